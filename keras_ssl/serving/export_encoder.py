"""Export of an encoder as one version of a served model."""

from keras_ssl.serving import signatures
from keras_ssl.serving.examples import MOST_EXAMPLES, first_rows
from keras_ssl.serving.features import features_of, tolerance_of
from keras_ssl.serving.versions import new_targets
from keras_ssl.serving.write_versions import Version, write_versions


def export_encoder(
    encoder,
    directory,
    *,
    examples,
    input_name=None,
    output_name="embedding",
    input_dtype=None,
    preprocess=None,
    layer=None,
    pooling=None,
    normalize=False,
    from_bytes=None,
    version=None,
    tolerance=None,
):
    """Writes an encoder as the next version of a SavedModel that TF Serving, C and C++ load without Python.

    The SavedModel has the signature `serving_default`, from arrays to embeddings, and, where the encoder takes
    pictures, `from_bytes`: one input `image_bytes` of shape `(batch,)`, files in JPEG or PNG, which are decoded, cut
    to the encoder's proportions and resized by the functions that `keras_ssl.data` reads folders with. Inputs and
    `float32` outputs are named, the batch size is free.

    It is written aside, loaded again and compared with Keras on real inputs, and only then renamed to
    `directory/<version>`: a server that watches the directory sees a whole version or none. The examples and Keras's
    outputs stay in `assets.extra/verify.npz` for `keras_ssl.serving.verify`; some of them are the requests by which
    TF Serving warms the model up.

    Args:
        encoder: Built Functional or Sequential model with one output of shape `(batch, features)`, or a dict of
            outputs, which keep their names. Of an objective, its encoder and the output its `feature_key` names.
        directory: Path of the model's base folder, made where there is none.
        examples: Real inputs, as the served model will get them: array of shape `(n, ...)`, a dict of arrays by
            input name for an encoder with several inputs, or a source of `keras_ssl.data`. At most 32 are used.
        input_name: str, the name of the one input. By default the name given to the encoder's input, or `"images"`
            where Keras made one up. Several inputs keep their own names.
        output_name: str, the name of the one output.
        input_dtype: str, the dtype of the one input, by default the encoder's own, `"float32"` as a rule. With
            `"uint8"` clients send pixels as bytes, a quarter of the size.
        preprocess: Layer, model or function of tensors put in front of the encoder and exported with it. If it is
            not a built model, it takes one tensor, shaped as the examples are.
        layer: str, name of a layer of the encoder, or of the backbone in it, whose output is exported instead.
        pooling: str, `"avg"`, `"max"`, `"cls"` or `"last"` as in `keras_ssl.backbones.pool`, instead of the encoder's
            own. With `layer`, `"avg"` or `"max"` over the places of that layer's map.
        normalize: bool, True for embeddings of length 1; a zero vector stays zero.
        from_bytes: bool, whether to add the signature `from_bytes`. By default it is there if the one input has shape
            `(batch, height, width, 1 or 3)` of fixed size and the examples are raw pixels, whole numbers 0 to 255.
        version: int, 1 or more. By default one more than the newest in `directory`.
        tolerance: float, the largest difference from Keras allowed, for embeddings above 1 a share of the largest
            number. By default 1e-4, and 1e-2 where the encoder computes in half precision.

    Returns:
        `pathlib.Path` of the folder `directory/<version>`.

    Raises:
        ValueError: If the encoder is not built, there is no such layer or it cannot be pooled so, the examples do
            not fit, the version exists, the directory cannot be written, or the reloaded model gives other numbers
            than Keras.

    Example:

    >>> import tempfile
    >>> import keras, numpy as np
    >>> from keras_ssl.serving import export_encoder
    >>> encoder = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()])
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = export_encoder(encoder, directory, examples=images)
    ...     path.name, sorted(file.name for file in path.iterdir())
    ('1', ['assets', 'assets.extra', 'fingerprint.pb', 'saved_model.pb', 'variables'])
    """
    model, feature_key = features_of(encoder, layer=layer, pooling=pooling, normalize=normalize)
    arrays = signatures.array_signature(
        model,
        first_rows(examples, MOST_EXAMPLES),
        feature_key=feature_key,
        preprocess=preprocess,
        input_name=input_name,
        input_dtype=input_dtype,
        output_name=output_name,
        normalize=normalize,
    )
    offered = [arrays, *_from_bytes(arrays, from_bytes)]
    (target,) = new_targets([directory], version)
    tolerance = tolerance_of(model) if tolerance is None else tolerance
    write_versions([Version(target, offered, [model, preprocess])], tolerance)
    return target


def _from_bytes(arrays, wanted):
    reason = signatures.why_no_pictures(arrays)
    if wanted and reason:
        raise ValueError(f"`from_bytes` needs {reason}. Received: from_bytes=True")
    return [] if reason or wanted is False else [signatures.picture_signature(arrays)]
