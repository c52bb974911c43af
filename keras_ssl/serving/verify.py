"""The check of an export in a process without TensorFlow's Python."""

import json
import os
import pathlib
import subprocess
import sys
import time

from keras_ssl.serving import c_api_check
from keras_ssl.serving.load_check import load_check
from keras_ssl.serving.versions import IDS, STRINGS, versions


def verify(directory, version=None, tolerance=None, load=None):
    """Runs an export through TensorFlow's C API, in a process that never imports TensorFlow, against Keras's numbers.

    Each signature is run on the examples that the export carries; then, if wanted, under load.

    Args:
        directory: Path that `keras_ssl.serving.export_encoder` or `export_text_encoder` was given, or of one version
            folder in it. Of a text encoder both models are run, and their signatures are named `ids/serving_default`
            and `strings/serving_default`.
        version: int. By default the newest in `directory`.
        tolerance: float, the largest difference from Keras allowed, for embeddings above 1 a share of the largest
            number. By default the one the export was made with.
        load: float, seconds for which 8 threads then ask for one row after another, with as many seconds for a bare
            `tf.function` beside it; some ten more go by until both run. `None` for no load.

    Returns:
        Dict, ready for JSON: `directory` (of the version), `version` (`None` if the folder has another name),
        `examples` (how many were run), `max_difference` (the largest, absolute), `signatures`, which has the like
        for each, with `inputs` and `outputs` (dtype, shape and tensor), `tolerance`, `seconds` (the whole process),
        `load_seconds`, `run_seconds`, `tensorflow_c` (the version of the C library), `op_libraries` (those of
        tensorflow_text that had to be loaded first), `python_tensorflow` (always `False`) and, after a load, `load`:
        requests per second, median and 99th percentile of the milliseconds a request takes, for both sides and as
        ratios, and the growth of memory.

    Raises:
        ValueError: If there is no such version, or the export is damaged, cannot be run or gives other numbers; if
            under load a request fails or memory grows by more than 2 %.

    Example:

    >>> import tempfile
    >>> import keras, numpy as np
    >>> from keras_ssl.serving import export_encoder, verify
    >>> encoder = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     path = export_encoder(encoder, directory, examples=np.ones((4, 8, 8, 3)))
    ...     result = verify(directory)
    >>> result["version"], result["max_difference"], result["python_tensorflow"]
    (1, 0.0, False)
    >>> {name: one["examples"] for name, one in result["signatures"].items()}
    {'serving_default': 4, 'from_bytes': 5}
    """
    if load is not None and not load > 0:
        raise ValueError(f"`load` must be a number of seconds above 0. Received: load={load}")
    directory = pathlib.Path(directory)
    if any((directory / name).is_dir() for name in (IDS, STRINGS)):
        return _verify_text(directory, version, tolerance, load)
    folder = _version_folder(directory, version)
    # -P keeps this package's folder off the path. -I would also hide packages installed for one user alone.
    command = [sys.executable, "-P", c_api_check.__file__, str(folder)]
    if tolerance is not None:
        command += ["--tolerance", str(tolerance)]
    # This process may hold the accelerator; its memory would not suffice for two.
    environment = {"TF_CPP_MIN_LOG_LEVEL": "2"} | os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    start = time.perf_counter()
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = round(time.perf_counter() - start, 3)
    try:
        result = json.loads(child.stdout)
    except json.JSONDecodeError:
        # The C library may end the process; what it said is all there is.
        result = {"error": f"exit code {child.returncode}: {child.stderr[-2000:]}"}
    if "error" in result:
        raise ValueError(f"`directory` must hold a sound export. Received: directory={folder}, {result['error']}")
    number = int(folder.name) if folder.name.isdecimal() else None
    result = {"directory": str(folder), "version": number, **result, "seconds": seconds}
    return result if load is None else result | {"load": load_check(folder, load, tolerance)}


def _verify_text(directory, version, tolerance, load):
    """Both models of a text encoder, of one version, as one result."""
    if version is None:
        version = max((number for name in (IDS, STRINGS) for number in versions(directory / name)), default=None)
    share = None if load is None else load / 2
    parts = {name: verify(directory / name, version, tolerance, share) for name in (IDS, STRINGS)}
    every = list(parts.values())
    result = every[-1] | {"directory": str(directory), "signatures": _named(parts)}
    for key in ("examples", "load_seconds", "run_seconds", "seconds"):
        result[key] = round(sum(part[key] for part in every), 4)
    for key in ("max_difference", "tolerance"):
        result[key] = max(part[key] for part in every)
    if load is not None:
        loads = {name: part["load"] for name, part in parts.items()}
        worst = max(loads.values(), key=lambda one: one["memory_growth"])
        result["load"] = worst | {"seconds": load, "signatures": _named(loads)}
    return result


def _named(parts):
    return {f"{name}/{key}": one for name, part in parts.items() for key, one in part["signatures"].items()}


def _version_folder(directory, version):
    if version is not None:
        if version not in versions(directory):
            raise ValueError(
                f"`version` must be one of {versions(directory)} in {directory}. Received: version={version!r}"
            )
        return directory / str(version)
    # Any of these makes it a version, so that a damaged one is named as such.
    if any((directory / part).exists() for part in ("saved_model.pb", "variables", "assets.extra")):
        return directory
    if not versions(directory):
        raise ValueError(
            f"`directory` must hold a version folder (1, 2, ...) of an export. Received: directory={directory}"
        )
    return directory / str(versions(directory)[-1])
