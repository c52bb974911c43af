"""Warm-up requests: what a server runs on a new version before it lets traffic on it."""

import importlib.util
import pathlib
import warnings

import numpy as np
import tensorflow as tf

from keras_ssl.files import written_aside

WARMUP_FILE = pathlib.Path("assets.extra", "tf_serving_warmup_requests")
# TF Serving refuses to load a version that has more.
MOST_RECORDS = 1000


def write_warmup_requests(folder, requests, model_name):
    """Writes the requests that TF Serving replays when it loads a version, so that the first client need not wait.

    Each signature is asked twice, for its first row and for all rows at once. A request that fails keeps the server
    from loading the version: give inputs that the model takes, and no more rows than the server's `max_batch_size`.

    Args:
        folder: Path of a version folder, the one with `saved_model.pb`.
        requests: Dict of signature name to a dict of input name to array of shape `(n, ...)`, in the dtype that the
            signature declares. Strings are arrays of `bytes`, of dtype object where they may end in zeros.
        model_name: str, the name under which the model is served.

    Returns:
        `pathlib.Path` of the file, or `None`, with a warning, where tensorflow-serving-api is not installed.

    Raises:
        ValueError: If there is no such folder or nothing to ask, or the inputs of a signature have different rows.

    Example:

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from keras_ssl.serving.warmup import write_warmup_requests
    >>> images = np.zeros((8, 28, 28, 1), "float32")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_warmup_requests(folder, {"serving_default": {"images": images}}, "clothes")
    ...     path.name
    'tf_serving_warmup_requests'
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(f"`folder` must be a version folder. Received: folder={folder}")
    batches = [(name, rows) for name, inputs in requests.items() for rows in _row_counts(name, inputs)]
    if not 1 <= len(batches) <= MOST_RECORDS:
        raise ValueError(
            f"`requests` must give 1 to {MOST_RECORDS} requests, two for each signature. Received: {len(batches)}"
        )
    if not can_write_warmup_requests():
        return None

    from tensorflow_serving.apis import prediction_log_pb2

    path = folder / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    with written_aside(path) as aside, tf.io.TFRecordWriter(str(aside)) as writer:
        for name, rows in batches:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = name
            for key, array in requests[name].items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(array[:rows]))
            writer.write(log.SerializeToString())
    return path


def can_write_warmup_requests():
    """Whether tensorflow-serving-api is installed; warns where it is not, once for all that is being exported."""
    found = importlib.util.find_spec("tensorflow_serving") is not None
    if not found:
        warnings.warn(
            "The export has no warm-up requests, its first requests will be slow: they need "
            "`pip install keras-ssl[serving]`.",
            stacklevel=3,
        )
    return found


def _row_counts(name, inputs):
    """One row, and all rows where there are more."""
    rows = {np.shape(array)[:1] for array in inputs.values()}
    if len(rows) != 1 or rows & {(), (0,)}:
        raise ValueError(
            f"`requests` must have one or more rows, as many of each input of {name!r}. Received: {sorted(rows)} rows"
        )
    ((count,),) = rows
    return sorted({1, count})
