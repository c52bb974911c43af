"""Features of a whole data set."""

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.evaluation.feature_function import FeatureFunction


def extract_features(model, data, batch_size=256, limit=None):
    """Features, and labels where there are some, of finite data in its own order.

    Args:
        model: an encoder, an objective, or any Keras model whose call gives one vector a row; called with
            `training=False`. Or a `FeatureFunction` of one, which is compiled once for several calls.
        data: a named source (read in index order), an array `x`, arrays `(x, y)`, the dict `{"x": x, "y": y}`, or
            a finite and already batched `tf.data.Dataset` of any of these. Another dict is `x` itself.
        batch_size: int, rows at a time; of no effect on a `tf.data.Dataset`.
        limit: int, how many of the first rows to take; None for all. With it the data may be endless.

    Returns:
        Tuple of the features, float32 array of shape `(rows, features)` under every dtype policy, and the labels,
        int64 array of shape `(rows,)` or None.

    Raises:
        ValueError: If the data is endless, empty or of another kind, or the model does not give one vector a row.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import evaluation
    >>> model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten()])
    >>> features, labels = evaluation.extract_features(model, (np.zeros((3, 2, 2, 1)), np.array([0, 1, 1])))
    >>> features.shape, labels.tolist()
    ((3, 4), [0, 1, 1])
    """
    function = model if isinstance(model, FeatureFunction) else FeatureFunction(model)
    return collect(function, data, batch_size, limit)


def collect(function, data, batch_size, limit=None):
    """As `extract_features`, for any function from a batch to a float32 Tensor."""
    if limit is not None and limit < 1:
        raise ValueError(f"`limit` must be 1 or more. Received: limit={limit}")
    features, labels, seen = [], [], 0
    for batch in _batches(data, batch_size, endless=limit is not None):
        x, y = _split(batch)
        rows = function(x).numpy()
        if rows.ndim != 2:
            raise ValueError(
                "`model` must give one vector for each row, so features of shape (batch, features): pool its output. "
                f"Received: an output of shape={rows.shape}"
            )
        features.append(rows)
        if y is not None:
            labels.append(np.asarray(y, "int64").reshape(-1))
        seen += len(rows)
        if limit is not None and seen >= limit:
            break
    if not features:
        raise ValueError(f"`data` must have at least one row. Received: data={data!r}")
    return np.concatenate(features)[:limit], np.concatenate(labels)[:limit] if labels else None


def _batches(data, batch_size, endless):
    if hasattr(data, "ordered"):
        return data.ordered(batch_size)
    if isinstance(data, tf.data.Dataset):
        if not endless and data.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                f"`data` must come to an end: call `.take(batches)` on it, or give a `limit`. Received: data={data!r}"
            )
        return data
    leaves = keras.tree.flatten(data)
    if not all(hasattr(leaf, "shape") and len(leaf.shape) for leaf in leaves):
        raise ValueError(
            "`data` must be a source, an array, arrays (x, y), a dict of arrays or a tf.data.Dataset. "
            f"Received: data of type {type(data).__name__}"
        )
    sizes = {leaf.shape[0] for leaf in leaves}
    if len(sizes) != 1:
        raise ValueError(f"`data` must have the same number of rows throughout. Received: rows={sorted(sizes)}")
    return _slices(data, sizes.pop(), batch_size)


def _slices(arrays, rows, batch_size):
    for start in range(0, rows, batch_size):
        yield keras.tree.map_structure(lambda array: array[start : start + batch_size], arrays)  # noqa: B023


def _split(batch):
    x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
    return (x["x"], x.get("y")) if isinstance(x, dict) and "x" in x else (x, y)
