"""Which features of an encoder are exported."""

import keras

from keras_ssl import backbones
from keras_ssl.serving import signatures

_HALF = ("float16", "bfloat16")
_MAP_POOLINGS = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)


def features_of(encoder, *, layer=None, pooling=None, normalize=False):
    """The model whose output is exported.

    Args:
        encoder: as for `keras_ssl.serving.export_encoder`, like all that follow.
        layer: str, or None.
        pooling: str, or None.
        normalize: bool.

    Returns:
        Pair of a built model and the key of its features, where an objective knows which of several outputs they are,
        or None.

    Raises:
        ValueError: If the encoder is not built, there is no such layer, it cannot be pooled so, or what has names is
            to be normalized.
    """
    model, feature_key = _built_model(encoder)
    if layer is not None or pooling is not None:
        model, feature_key = _other_features(model, layer, pooling), None
    if normalize and feature_key is None and isinstance(signatures.structure_of(model, "output"), dict):
        raise ValueError(f"`normalize` must be left out where outputs have names. Received: normalize={normalize}")
    return model, feature_key


def tolerance_of(model):
    """The largest difference from Keras that an export of the model may have: 1e-4, in half precision 1e-2."""
    return 1e-2 if _in_half_precision(model) else 1e-4


def _built_model(encoder):
    if hasattr(encoder, "inputs"):
        model, feature_key = encoder, None
    else:
        model, feature_key = getattr(encoder, "encoder", None), getattr(encoder, "feature_key", None)
    if not isinstance(model, keras.Model) or not model.built or not hasattr(model, "inputs"):
        raise ValueError(
            f"`encoder` must be a built Functional or Sequential model, or an objective that has one. "
            f"Received: encoder={encoder}"
        )
    outputs = signatures.structure_of(model, "output")
    if feature_key is None and len(model.outputs) != 1 and not isinstance(outputs, dict):
        raise ValueError(
            f"`encoder` must have one output, or a dict of outputs. Received: {len(model.outputs)} without names"
        )
    return model, feature_key


def _other_features(model, layer, pooling):
    """The model up to another layer, or with another pooling."""
    if layer is None:
        return _pooled(_unpooled(model, pooling), pooling)
    features = _up_to(model, layer)
    ranks = {len(output.shape) for output in features.outputs}
    if pooling is None:
        if 4 in ranks:
            raise ValueError(
                f"`pooling` must be 'avg' or 'max' where `layer` gives a map. Received: pooling=None, layer={layer!r} "
                f"of output shape {features.output_shape}"
            )
        return features
    if ranks != {4} or len(features.outputs) != 1:
        raise ValueError(
            f"`pooling` must be left out where `layer` gives no map (batch, height, width, features). "
            f"Received: pooling={pooling!r}, layer={layer!r} of output shape {features.output_shape}"
        )
    return _pooled(features, pooling)


def _pooled(features, pooling):
    try:
        return backbones.pool(features, pooling)
    except ValueError as error:
        raise ValueError(f"`pooling` must fit what it pools. Received: pooling={pooling!r}; {error}") from error


def _unpooled(model, pooling):
    last = [part for part in model.layers if isinstance(part, _MAP_POOLINGS) and part.output is model.outputs[0]]
    if last:
        return keras.Model(signatures.structure_of(model, "input"), last[0].input)
    try:
        return backbones.backbone_of(model)
    except ValueError as error:
        raise ValueError(
            f"`pooling` can replace a global pooling at the end of the encoder, or that of an encoder made by "
            f"keras_ssl.backbones.pool. Received: pooling={pooling!r}; {error}"
        ) from error


def _up_to(model, layer):
    nested = [part for part in model.layers if isinstance(part, keras.Model)]
    names = [part.name for owner in (model, *nested) for part in owner.layers]
    if layer not in names:
        raise ValueError(f"`layer` must be one of {', '.join(names)}. Received: layer={layer!r}")
    owner = model
    if layer not in [part.name for part in model.layers] or layer in [part.name for part in nested]:
        owner = backbones.backbone_of(model)
    if layer == owner.name:
        return owner
    try:
        return keras.Model(signatures.structure_of(owner, "input"), owner.get_layer(layer).output)
    except ValueError as error:
        raise ValueError(
            f"`layer` must lie on the way of the encoder's inputs. Received: layer={layer!r}; {error}"
        ) from error


def _in_half_precision(model):
    return any(
        part.compute_dtype in _HALF or (isinstance(part, keras.Model) and _in_half_precision(part))
        for part in model.layers
    )
