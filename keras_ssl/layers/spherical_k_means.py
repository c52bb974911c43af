"""Clusters of directions."""

import tensorflow as tf

from keras_ssl.losses import normalize


def spherical_k_means(rows, clusters, iterations=10, seed=0, *, chunk=4096):
    """Finds directions such that the cosine similarity of each row to the nearest of them is large.

    It begins with random rows. Then it assigns each row to the most similar centroid and moves each centroid to the
    normalised sum of its rows, in turn; a centroid without rows stays. Rows are taken by chunks, so that next to the
    rows themselves it needs memory for some `chunk * clusters` numbers. Sums are matrix products, not scattered, so
    that the same rows and seed give the same clusters on accelerators too. It is called from Python, not within a
    `tf.function`; what it runs is compiled once.

    Args:
        rows: array or Tensor of shape `(rows, dim)`; normalised here, chunk by chunk.
        clusters: int, 1 to the number of rows.
        iterations: int, 0 or more: how often centroids are moved.
        seed: int, or integer Tensor of shape `(2,)`: which rows it begins with.
        chunk: int, rows at a time.

    Returns:
        Pair of the centroids, float32 Tensor of shape `(clusters, dim)`, unit rows, and the assignments, int64 Tensor
        of shape `(rows,)`, in `[0, clusters)`.

    Raises:
        ValueError: If there are fewer rows than clusters, or an argument is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.layers import spherical_k_means
    >>> rows = np.array([[1.0, 0.0], [0.0, 1.0], [5.0, 0.1], [0.1, 5.0]])
    >>> centroids, assignments = spherical_k_means(rows, clusters=2)
    >>> bool(assignments[0] == assignments[2] and assignments[1] == assignments[3])
    True

    Reference: Dhillon and Modha 2001; as in DeepCluster v2, arXiv 2006.09882, appendix.
    """
    if rows.ndim != 2:
        raise ValueError(f"`rows` must have the shape (rows, dim). Received: shape {tuple(rows.shape)}")
    if not 1 <= clusters <= rows.shape[0]:
        raise ValueError(f"`clusters` must be 1 to {rows.shape[0]}, the rows there are. Received: clusters={clusters}")
    if iterations < 0:
        raise ValueError(f"`iterations` must not be negative. Received: iterations={iterations}")
    seed = tf.cast([0, seed] if isinstance(seed, int) else seed, "int64")
    chosen = tf.random.experimental.index_shuffle(tf.range(clusters, dtype="int64"), seed, rows.shape[0] - 1)
    centroids = normalize(tf.gather(rows, chosen))
    for _ in range(iterations):
        sums = tf.zeros_like(centroids)
        for part in _parts(rows, chunk):
            sums += _sums(part, centroids)
        moved = tf.reduce_any(sums != 0.0, axis=1, keepdims=True)
        centroids = tf.where(moved, normalize(sums), centroids)
    return centroids, tf.concat([_nearest(part, centroids) for part in _parts(rows, chunk)], axis=0)


def _parts(rows, chunk):
    return (rows[start : start + chunk] for start in range(0, rows.shape[0], chunk))


@tf.function(reduce_retracing=True)
def _nearest(part, centroids):
    # The length of a row changes none of its comparisons.
    return tf.argmax(tf.matmul(tf.cast(part, "float32"), centroids, transpose_b=True), axis=1)


@tf.function(reduce_retracing=True)
def _sums(part, centroids):
    """Sums of the normalised rows that are nearest to each centroid; zeros where there are none."""
    members = tf.one_hot(_nearest(part, centroids), tf.shape(centroids)[0])
    return tf.matmul(members, normalize(part), transpose_a=True)
