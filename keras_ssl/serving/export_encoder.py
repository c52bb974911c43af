"""Export of an encoder as one version of a served model."""

import json
import os
import pathlib
import re
import secrets
import shutil

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.serving.c_api_check import SIGNATURE, VERIFY_FILE, compare
from keras_ssl.serving.versions import versions
from keras_ssl.version import __version__

MOST_EXAMPLES = 32
_HALF = ("float16", "bfloat16")


def export_encoder(
    encoder,
    directory,
    *,
    examples,
    input_name=None,
    output_name="embedding",
    input_dtype=None,
    preprocess=None,
    version=None,
    tolerance=None,
):
    """Writes an encoder as the next version of a SavedModel that TF Serving, C and C++ load without Python.

    The SavedModel has one signature, `serving_default`, with named inputs, named `float32` outputs and a free batch
    size. It is written aside, loaded again and compared with Keras on real inputs, and only then renamed to
    `directory/<version>`: a server that watches the directory sees a whole version or none. The examples and Keras's
    outputs stay in `assets.extra/verify.npz` for `keras_ssl.serving.verify`.

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
        version: int, 1 or more. By default one more than the newest in `directory`.
        tolerance: float, the largest difference from Keras allowed, for embeddings above 1 a share of the largest
            number. By default 1e-4, and 1e-2 where the encoder computes in half precision.

    Returns:
        `pathlib.Path` of the folder `directory/<version>`.

    Raises:
        ValueError: If the encoder is not built, the examples do not fit it, the version exists, the directory
            cannot be written, or the reloaded model gives other numbers than Keras.

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
    model, feature_key = _built_model(encoder)
    examples = _first_rows(examples)
    front = model if preprocess is None else preprocess
    structure, specs = _declare_inputs(front, examples, input_name, input_dtype)
    inputs = _fit_examples(examples, specs)
    _check_names([*inputs, output_name])

    def serve(*tensors):
        features = keras.tree.pack_sequence_as(structure, tensors)
        if preprocess is not None:
            features = preprocess(features)
        outputs = model(_own_inputs(model, features), training=False)
        outputs = outputs if feature_key is None else outputs[feature_key]
        if not isinstance(outputs, dict):
            (output,) = keras.tree.flatten(outputs)
            outputs = {output_name: output}
        return {name: tf.cast(x, "float32") if x.dtype.is_floating else tf.identity(x) for name, x in outputs.items()}

    # On the CPU, where `verify` runs: an accelerator may round products to ten bits.
    with tf.device("CPU:0"):
        expected = {name: x.numpy() for name, x in serve(*map(tf.constant, inputs.values())).items()}
    for name, output in expected.items():
        if not np.isfinite(output).all():
            raise ValueError(f"`encoder` must give finite numbers. Received: NaN or infinity in {name!r}")
    if tolerance is None:
        tolerance = 1e-2 if any(layer.compute_dtype in _HALF for layer in model.layers) else 1e-4

    target = _target(directory, version)
    # Not a number, so that a server passes it over, and unique, so that what a killed export left is never reused.
    aside = target.parent / f".tmp-{target.name}-{secrets.token_hex(4)}"
    try:
        aside.mkdir(parents=True)
    except OSError as error:
        raise ValueError(
            f"`directory` must be a folder that can be written ({error.strerror}). Received: directory={directory}"
        ) from error
    try:
        archive = keras.export.ExportArchive()
        for part in (model, preprocess):
            if isinstance(part, keras.Layer):
                archive.track(part)
        archive.add_endpoint(SIGNATURE, serve, input_signature=specs)
        archive.write_out(str(aside), verbose=False)
        _write_examples(aside, inputs, expected, tolerance)
        _compare_reloaded(aside, inputs, expected, tolerance)
        os.rename(aside, target)
    except BaseException:
        shutil.rmtree(aside)
        raise
    return target


def _built_model(encoder):
    """The model, and the key of its features where an objective knows which of several outputs they are."""
    if hasattr(encoder, "inputs"):
        model, feature_key = encoder, None
    else:
        model, feature_key = getattr(encoder, "encoder", None), getattr(encoder, "feature_key", None)
    if not isinstance(model, keras.Model) or not model.built or not hasattr(model, "inputs"):
        raise ValueError(
            f"`encoder` must be a built Functional or Sequential model, or an objective that has one. "
            f"Received: encoder={encoder}"
        )
    if feature_key is None and len(model.outputs) != 1 and not isinstance(_structure(model, "output"), dict):
        raise ValueError(
            f"`encoder` must have one output, or a dict of outputs. Received: {len(model.outputs)} without names"
        )
    return model, feature_key


def _structure(model, side):
    """The model's inputs or outputs as it was given them: a tensor, or a dict or list of tensors."""
    if isinstance(model, keras.Sequential):
        return getattr(model, f"{side}s")[0]
    return getattr(model, side)


def _own_inputs(model, features):
    # Keras reads a dict by position, so one key too many would shift all that follow.
    structure = _structure(model, "input")
    return {name: features[name] for name in structure} if isinstance(structure, dict) else features


def _first_rows(examples):
    if hasattr(examples, "ordered"):
        examples = next(iter(examples.ordered(MOST_EXAMPLES)))["x"]
    if isinstance(examples, dict):
        examples = {name: np.asarray(array[:MOST_EXAMPLES]) for name, array in examples.items()}
        rows = {array.shape[:1] for array in examples.values()}
    else:
        examples = np.asarray(examples[:MOST_EXAMPLES])
        rows = {examples.shape[:1]}
    if len(rows) != 1 or rows & {(), (0,)}:
        raise ValueError(f"`examples` must be one or more rows, as many of each input. Received: {sorted(rows)} rows")
    return examples


def _declare_inputs(front, examples, input_name, input_dtype):
    """The structure that the first model takes, and a `tf.TensorSpec` for each tensor in it."""
    if not hasattr(front, "inputs"):
        if isinstance(examples, dict):
            raise ValueError("`preprocess` must be a built model where there are several inputs. Received: a function")
        spec = tf.TensorSpec((None, *examples.shape[1:]), input_dtype or "float32", input_name or "images")
        return spec, [spec]
    structure = _structure(front, "input")
    if len(front.inputs) == 1:
        own = front.inputs[0]
        automatic = re.fullmatch(r"(input_layer|keras_tensor)(_\d+)?", own.name)
        name = input_name or ("images" if automatic else own.name)
        return structure, [tf.TensorSpec((None, *own.shape[1:]), input_dtype or own.dtype, name)]
    for argument, given in (("input_name", input_name), ("input_dtype", input_dtype)):
        if given is not None:
            raise ValueError(
                f"`{argument}` must be left out where the encoder has several inputs. Received: {argument}={given!r}"
            )
    names = sorted(structure) if isinstance(structure, dict) else [x.name for x in front.inputs]
    tensors = keras.tree.flatten(structure)
    return structure, [
        tf.TensorSpec((None, *x.shape[1:]), x.dtype, name) for name, x in zip(names, tensors, strict=True)
    ]


def _fit_examples(examples, specs):
    """The examples by input name, in the declared dtypes."""
    arrays = examples if isinstance(examples, dict) else {specs[0].name: examples}
    missing = [spec.name for spec in specs if spec.name not in arrays]
    if missing:
        raise ValueError(f"`examples` must have the inputs {missing}. Received: {sorted(arrays)}")
    inputs = {}
    for spec in specs:
        array = arrays[spec.name]
        if not spec.shape.is_compatible_with(array.shape):
            raise ValueError(f"`examples` must have shape {spec.shape} for {spec.name!r}. Received: {array.shape}")
        inputs[spec.name] = array.astype(spec.dtype.as_numpy_dtype)
        if not spec.dtype.is_floating and not np.array_equal(inputs[spec.name], array):
            raise ValueError(
                f"`examples` must be whole numbers that fit the input dtype of {spec.name!r}. "
                f"Received: {array.dtype} numbers for {spec.dtype.name}"
            )
    return inputs


def _check_names(names):
    for name in names:
        if not str(name).isidentifier():
            raise ValueError(f"Inputs and outputs must be named as Python variables are. Received: {name!r}")


def _target(directory, version):
    directory = pathlib.Path(directory)
    if version is None:
        version = max(versions(directory), default=0) + 1
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"`version` must be an int of 1 or more. Received: version={version!r}")
    target = directory / str(version)
    if os.path.lexists(target):
        raise ValueError(f"`version` must be new: {target} exists. Received: version={version}")
    return target


def _write_examples(folder, inputs, expected, tolerance):
    path = folder / VERIFY_FILE
    path.parent.mkdir()
    metadata = {"keras_ssl": __version__, "keras": keras.__version__, "tensorflow": tf.__version__}
    metadata |= {"signature": SIGNATURE, "tolerance": tolerance}
    np.savez_compressed(
        path,
        metadata=json.dumps(metadata),
        **{f"inputs/{name}": array for name, array in inputs.items()},
        **{f"outputs/{name}": array for name, array in expected.items()},
    )


def _compare_reloaded(folder, inputs, expected, tolerance):
    with tf.device("CPU:0"):
        # The loaded object owns the variables: it must outlive the call.
        loaded = tf.saved_model.load(str(folder))
        signature = loaded.signatures[SIGNATURE]
        # The first row alone shows that the batch size is free.
        for rows in (slice(None), slice(1)):
            outputs = signature(**{name: tf.constant(array[rows]) for name, array in inputs.items()})
            outputs = {name: x.numpy() for name, x in outputs.items()}
            compare(outputs, {name: array[rows] for name, array in expected.items()}, tolerance)
