"""One feature vector from a backbone's map or tokens, and the way back from an encoder to its backbone."""

import keras
from keras import ops

_MODES = ("avg", "max", "cls", "last")


def pool(backbone, mode="avg", name=None):
    """Puts a pooling behind a backbone of keras-hub or keras-cv: an encoder with one output `(batch, features)`.

    The backbone is nested, not flattened, so that the encoder can be saved and the backbone found again. Class and
    register tokens of vision transformers and padding of texts are left out of the mean and the maximum.

    Args:
        backbone: built functional model from pictures to a map `(batch, height, width, features)` or tokens
            `(batch, tokens, features)`, or to a dict with such tokens under `sequence_output`.
        mode: `"avg"` or `"max"` over places or tokens; `"cls"`, the first token; `"last"`, the last that is no padding.
        name: str, or None for the backbone's name with the mode.

    Returns:
        Functional model with the backbone's inputs.

    Raises:
        ValueError: If the mode is unknown or does not fit the backbone's output.

    Example:

    >>> import keras
    >>> from keras_ssl import backbones
    >>> pixels = keras.Input((8, 8, 3))
    >>> backbone = keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels), name="tiny")
    >>> encoder = backbones.pool(backbone, "avg")
    >>> encoder.output_shape, backbones.backbone_of(encoder).name
    ((None, 4), 'tiny')
    """
    if mode not in _MODES:
        raise ValueError(f"`mode` must be one of {_MODES}. Received: mode={mode!r}")
    if not isinstance(backbone, keras.Model) or not getattr(backbone, "inputs", None):
        raise ValueError(f"`backbone` must be a built functional model. Received: backbone={backbone!r}")
    inputs = keras.tree.map_structure(_fresh_input, backbone.input)
    outputs = backbone(inputs)
    features = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
    rank = len(features.shape)
    if rank == 4:
        pooled = _pool_map(features, mode)
    elif rank == 3:
        padding_mask = inputs.get("padding_mask") if isinstance(inputs, dict) else None
        pooled = pool_tokens(features, mode, padding_mask, _prefix_count(backbone, features))
    else:
        raise ValueError(
            "`backbone` must give a map (batch, height, width, features) or tokens (batch, tokens, features). "
            f"Received: output of shape {tuple(features.shape)}"
        )
    return keras.Model(inputs, pooled, name=name or f"{backbone.name}_{mode}")


def pool_tokens(tokens, mode, padding_mask=None, prefix_count=0):
    """One vector a row from the tokens of a backbone, as `pool` makes it.

    Args:
        tokens: Tensor of shape `(batch, tokens, features)`.
        mode: see `pool`.
        padding_mask: Tensor of shape `(batch, tokens)`, 1 for tokens and 0 for padding, or None.
        prefix_count: int, class and register tokens in front, which mean and maximum leave out.

    Returns:
        Tensor of shape `(batch, features)`, of the dtype of `tokens`.
    """
    if mode == "cls":
        return tokens[:, 0]
    if padding_mask is None:
        if mode == "last":
            return tokens[:, -1]
        tokens = tokens[:, prefix_count:]
        return ops.mean(tokens, axis=1) if mode == "avg" else ops.max(tokens, axis=1)
    # Lengths and sums in float32: bfloat16 counts to 256 alone.
    mask = ops.expand_dims(ops.cast(padding_mask, "float32"), axis=-1)
    lengths = ops.sum(mask, axis=1)
    if mode == "avg":
        mean = ops.sum(ops.cast(tokens, "float32") * mask, axis=1) / ops.maximum(lengths, 1.0)
        return ops.cast(mean, tokens.dtype)
    if mode == "max":
        # 1e4: the largest round number that float16 holds
        return ops.max(tokens + ops.cast((mask - 1.0) * 1e4, tokens.dtype), axis=1)
    last = ops.cast(ops.expand_dims(ops.maximum(lengths - 1.0, 0.0), axis=1), "int32")
    return ops.squeeze(ops.take_along_axis(tokens, last, axis=1), axis=1)


def backbone_of(encoder):
    """The backbone inside an encoder made by `pool`, also after a reload.

    Args:
        encoder: functional model.

    Returns:
        The nested model.

    Raises:
        ValueError: If there is not exactly one nested model, or if anything stands between the input and it (a
            rescaling, say), for an objective that enters the backbone would silently pass over that.
    """
    nested = [layer for layer in getattr(encoder, "layers", ()) if isinstance(layer, keras.Model)]
    if len(nested) != 1:
        raise ValueError(
            "`encoder` must hold one backbone, as keras_ssl.backbones.pool makes it. "
            f"Received: encoder with nested models {[layer.name for layer in nested]}"
        )
    between = _between(encoder, nested[0])
    if between:
        raise ValueError(
            "`encoder` must feed its input straight to the backbone: put such layers into the data instead. "
            f"Received: {between} between input and {nested[0].name!r}"
        )
    return nested[0]


def _fresh_input(tensor):
    return keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name)


def _pool_map(features, mode):
    if mode == "avg":
        return keras.layers.GlobalAveragePooling2D(name="features")(features)
    if mode == "max":
        return keras.layers.GlobalMaxPooling2D(name="features")(features)
    raise ValueError(f"`mode` must be 'avg' or 'max' for a backbone that gives a map. Received: mode={mode!r}")


def _prefix_count(backbone, tokens):
    """Class and register tokens in front: what there are more tokens than patches."""
    image_shape, patch_size = getattr(backbone, "image_shape", None), getattr(backbone, "patch_size", None)
    if image_shape is None or patch_size is None or tokens.shape[1] is None:
        return 0
    rows, columns = (patch_size, patch_size) if isinstance(patch_size, int) else patch_size
    return int(tokens.shape[1]) - (image_shape[0] // rows) * (image_shape[1] // columns)


def _between(encoder, backbone):
    """Names of layers that the encoder's inputs pass through before they reach the backbone."""
    if isinstance(encoder, keras.Sequential):
        return [layer.name for layer in encoder.layers[: encoder.layers.index(backbone)]]
    layers = {layer["name"]: layer for layer in encoder.get_config()["layers"]}
    sources = set(_sources(layers[backbone.name]["inbound_nodes"]))
    return sorted(name for name in sources if layers[name]["class_name"] != "InputLayer")


def _sources(config):
    """Names of the layers whose outputs a serialised call takes."""
    if isinstance(config, dict):
        if config.get("class_name") == "__keras_tensor__":
            yield config["config"]["keras_history"][0]
            return
        config = list(config.values())
    if isinstance(config, (list, tuple)):
        for item in config:
            yield from _sources(item)
