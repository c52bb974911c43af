"""SavedModels that are seen whole, proven and together, or not at all."""

import dataclasses
import json
import os
import pathlib
import secrets
import shutil

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.serving.c_api_check import VERIFY_FILE, compare
from keras_ssl.serving.examples import MOST_EXAMPLES
from keras_ssl.serving.op_libraries import write_op_libraries
from keras_ssl.serving.warmup import can_write_warmup_requests, write_warmup_requests
from keras_ssl.version import __version__


@dataclasses.dataclass(frozen=True)
class Version:
    """One version of a served model that is to be written.

    Args:
        target: `pathlib.Path` of the version folder, which does not exist yet.
        signatures: list of `keras_ssl.serving.signatures.Signature`.
        parts: list; the layers among them hold the variables and tables of the signatures.
    """

    target: pathlib.Path
    signatures: list
    parts: list


def write_versions(versions, tolerance):
    """Writes each version aside, loads it again and compares it with Keras, and only then gives all their names.

    The names are given in the order of `versions`. If that fails half-way, those that have theirs are removed; only a
    process that is killed between two names leaves the first without the second.

    Args:
        versions: list of `Version`.
        tolerance: float, as for `keras_ssl.serving.c_api_check.compare`.

    Raises:
        ValueError: If a folder cannot be written, or a reloaded model gives other numbers than Keras.
    """
    folders, warm_up = [], can_write_warmup_requests()
    try:
        for version in versions:
            folders.append(_make_aside(version.target))
            _write(folders[-1], version, tolerance, warm_up)
        for place, version in enumerate(versions):
            os.rename(folders[place], version.target)
            folders[place] = version.target
    except BaseException:
        for folder in folders:
            shutil.rmtree(folder)
        raise


def _make_aside(target):
    # Not a number, so that a server passes it over, and unique, so that what a killed export left is never reused.
    aside = target.parent / f".tmp-{target.name}-{secrets.token_hex(4)}"
    try:
        aside.mkdir(parents=True)
    except OSError as error:
        raise ValueError(
            f"`directory` must be a folder that can be written ({error.strerror}). Received: directory={target.parent}"
        ) from error
    return aside


def _write(folder, version, tolerance, warm_up):
    archive = keras.export.ExportArchive()
    for part in version.parts:
        if isinstance(part, keras.Layer):
            archive.track(part)
    for signature in version.signatures:
        archive.add_endpoint(signature.name, signature.function, input_signature=signature.specs)
    archive.write_out(str(folder), verbose=False)
    (folder / VERIFY_FILE).parent.mkdir()
    _write_examples(folder, version.signatures, tolerance)
    write_op_libraries(folder)
    if warm_up:
        _write_warmup(folder, version.signatures, version.target.parent.resolve().name)
    _compare_reloaded(folder, version.signatures, tolerance)


def _write_examples(folder, signatures, tolerance):
    metadata = {"keras_ssl": __version__, "keras": keras.__version__, "tensorflow": tf.__version__}
    arrays = {
        f"{signature.name}/{side}/{name}": array
        for signature in signatures
        for side in ("inputs", "outputs")
        for name, array in getattr(signature, side).items()
    }
    np.savez_compressed(folder / VERIFY_FILE, metadata=json.dumps(metadata | {"tolerance": tolerance}), **arrays)


def _write_warmup(folder, signatures, model_name):
    # No more rows than the examples, to which files add one: a server's largest batch may be as small.
    requests = {
        signature.name: {name: array[:MOST_EXAMPLES] for name, array in signature.inputs.items()}
        for signature in signatures
    }
    write_warmup_requests(folder, requests, model_name)


def _compare_reloaded(folder, signatures, tolerance):
    with tf.device("CPU:0"):
        # The loaded object owns the variables: it must outlive the call.
        loaded = tf.saved_model.load(str(folder))
        for signature in signatures:
            function = loaded.signatures[signature.name]
            # The first row alone shows that the batch size is free.
            for rows in (slice(None), slice(1)):
                outputs = function(**{name: tf.constant(array[rows]) for name, array in signature.inputs.items()})
                outputs = {name: x.numpy() for name, x in outputs.items()}
                compare(outputs, {name: array[rows] for name, array in signature.outputs.items()}, tolerance)
