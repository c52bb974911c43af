"""Weighted nearest neighbours on frozen features."""

import numpy as np
import tensorflow as tf

from keras_ssl.evaluation.checks import check_features, check_labels

TEST_ROWS_AT_ONCE = 256


def knn(train_features, train_labels, test_features, test_labels, neighbors=20, temperature=0.07, chunk_size=32_768):
    """Accuracy of the weighted nearest-neighbour classifier.

    Args:
        train_features: array of shape `(rows, features)`, the bank.
        train_labels: int array of shape `(rows,)`.
        test_features: array of shape `(test_rows, features)`.
        test_labels: int array of shape `(test_rows,)`.
        neighbors: as for `knn_predict`.
        temperature: as for `knn_predict`.
        chunk_size: as for `knn_predict`.

    Returns:
        float, the share of test rows whose class is found, in [0, 1].

    Raises:
        ValueError: As `knn_predict`, and if `test_labels` is missing or of another length.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import evaluation
    >>> bank, labels = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), np.array([3, 3, 5])
    >>> evaluation.knn(bank, labels, np.array([[2.0, 0.1], [0.1, 1.0]]), np.array([3, 5]), neighbors=1)
    1.0

    Reference: Instance discrimination, arXiv 1805.01978, section 3.4.
    """
    predicted = knn_predict(train_features, train_labels, test_features, neighbors, temperature, chunk_size)
    return float(np.mean(predicted == check_labels("test_labels", test_labels, len(test_features))))


def knn_predict(train_features, train_labels, test_features, neighbors=20, temperature=0.07, chunk_size=32_768):
    """Classes that the weighted nearest neighbours of each row vote for.

    Formula:
        `argmax_c(sum_{i in neighbours, y_i = c} exp(cos(f, f_i) / temperature))`

    Test rows and bank are both taken by chunks with a running list of the nearest, so that beside the features
    themselves a few hundred megabytes are enough for a bank of any size. Of equally near rows the earlier one is
    the neighbour; of classes with equal votes the smaller one is taken.

    Args:
        train_features: array of shape `(rows, features)`, the bank; float16, float32 or float64.
        train_labels: int array of shape `(rows,)`; any integers.
        test_features: array of shape `(test_rows, features)`.
        neighbors: int, how many vote; from 1 to the number of bank rows. Default 20, as is usual for small images;
            the paper takes 200 on ImageNet.
        temperature: float above 0; the paper's 0.07.
        chunk_size: int, rows of the bank at a time.

    Returns:
        int64 array of shape `(test_rows,)`.

    Raises:
        ValueError: If features are not finite or of another shape, labels are missing, or there are fewer bank rows
            than `neighbors`.

    Reference: Instance discrimination, arXiv 1805.01978, section 3.4.
    """
    check_features("train_features", train_features)
    check_features("test_features", test_features, width=train_features.shape[1])
    train_labels = check_labels("train_labels", train_labels, len(train_features))
    if not 1 <= neighbors <= len(train_features):
        raise ValueError(
            f"`neighbors` must be from 1 to the number of rows in the bank, {len(train_features)}. "
            f"Received: neighbors={neighbors}"
        )
    if not temperature > 0:
        raise ValueError(f"`temperature` must be above 0. Received: temperature={temperature}")
    if chunk_size < 1:
        raise ValueError(f"`chunk_size` must be 1 or more. Received: chunk_size={chunk_size}")
    classes, codes = np.unique(train_labels, return_inverse=True)
    predicted = []
    for start in range(0, len(test_features), TEST_ROWS_AT_ONCE):
        queries = _unit_rows(test_features[start : start + TEST_ROWS_AT_ONCE])
        cosine, rows = _nearest(queries, train_features, neighbors, chunk_size)
        # Measured from each row's nearest: the same vote, which no temperature makes overflow.
        weights = np.exp((cosine - cosine[:, :1]).astype("float64") / temperature)
        ballots = np.arange(len(cosine))[:, None] * len(classes) + codes[rows]
        votes = np.bincount(ballots.ravel(), weights.ravel(), minlength=len(cosine) * len(classes))
        predicted.append(classes[votes.reshape(len(cosine), -1).argmax(axis=1)])
    return np.concatenate(predicted)


def _nearest(queries, bank, neighbors, chunk_size):
    """Cosines and bank rows of the nearest, nearest first: two arrays of shape `(queries, neighbors)`."""
    cosine = tf.zeros((queries.shape[0], 0))
    rows = tf.zeros((queries.shape[0], 0), "int64")
    for start in range(0, len(bank), chunk_size):
        chunk = _unit_rows(bank[start : start + chunk_size])
        near, where = tf.math.top_k(tf.matmul(queries, chunk, transpose_b=True), min(neighbors, chunk.shape[0]))
        cosine = tf.concat([cosine, near], axis=1)
        rows = tf.concat([rows, tf.cast(where, "int64") + start], axis=1)
        # `top_k` puts the first of equals first, and the earlier chunks' rows stand before this one's.
        cosine, order = tf.math.top_k(cosine, min(neighbors, cosine.shape[1]))
        rows = tf.gather(rows, order, batch_dims=1)
    return cosine.numpy(), rows.numpy()


def _unit_rows(features):
    # A zero row has no direction: it stays zero, equally near to all.
    return tf.math.l2_normalize(tf.cast(features, "float32"), axis=1)
