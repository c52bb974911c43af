"""The loss of W-MSE."""

import tensorflow as tf
from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.pairs import check_pair


def wmse(z0, z1, whitening_size=128, *, permutations=None, epsilon=0.0):
    """Whitens each view over parts of the batch, and pulls what is left of the positives together.

    Formula:
        `mean(|u0 - u1|^2) = 2 - 2 * mean(<u0, u1>)`, with `u = w / |w|` and `w = L^-1 (z - mean(z))`, where
        `L L^T = (1 - epsilon) * cov(z) + epsilon * I` is the Cholesky decomposition of the unbiased covariance over
        `whitening_size` rows of one view; the mean is over all rows and permutations.

    The scale is the paper's and that of lightly and of the authors' code. solo-learn has the same value, but lets no
    gradient pass through the second view.

    Args:
        z0: Tensor of shape `(batch, dim)`, projections of the first views, of all replicas (`distribution.gather`).
            Any float dtype; computed in float32.
        z1: Tensor of shape `(batch, dim)`, projections of the second views.
        whitening_size: int above `dim`, rows that are whitened together; the paper takes twice `dim`. It must divide
            the batch.
        permutations: int Tensor of shape `(iterations, batch)`, orders of the rows in which the batch is cut into
            parts, the same for both views; the loss is the mean over them. None cuts it once, as it comes.
        epsilon: float in [0, 1), the share of the identity in the covariance.

    Returns:
        float32 scalar in [0, 4]; not finite where the covariance is singular and `epsilon` is 0.

    Raises:
        ValueError: If the shapes differ, `whitening_size` is not above `dim` or does not divide the batch, or `epsilon`
            is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.random.default_rng(0).normal(size=(8, 2))
    >>> round(abs(float(losses.wmse(z, z * [2.0, 3.0], whitening_size=4))), 4)  # whitening undoes the stretch
    0.0
    >>> round(float(losses.wmse(z, -z, whitening_size=4)), 4)
    4.0

    Reference: W-MSE, arXiv 2007.06346, section 3 (whitening, distance, sub-batches).
    """
    check_pair(z0, z1, least=1)
    rows, dim = z0.shape
    if not whitening_size > dim:
        raise ValueError(
            f"`whitening_size` must be above the width of the projection, {dim}, or its covariance is singular. "
            f"Received: whitening_size={whitening_size}"
        )
    if rows is not None and rows % whitening_size:
        raise ValueError(
            f"`whitening_size` must divide the rows of the batch, {rows}. Received: whitening_size={whitening_size}"
        )
    if not 0 <= epsilon < 1:
        raise ValueError(f"`epsilon` must be in [0, 1). Received: epsilon={epsilon}")
    first, second = (_whitened(z, whitening_size, permutations, epsilon) for z in (z0, z1))
    return 2.0 - 2.0 * ops.mean(ops.sum(normalize(first) * normalize(second), axis=-1))


def _whitened(z, size, permutations, epsilon):
    """Each part of each permutation on its own: `(iterations * parts, size, dim)`."""
    z = ops.cast(z, "float32")
    dim = z.shape[1]
    if permutations is not None:
        z = ops.take(z, ops.reshape(permutations, (-1,)), axis=0)
    parts = ops.reshape(z, (-1, size, dim))
    centered = parts - ops.mean(parts, axis=1, keepdims=True)
    transposed = ops.transpose(centered, (0, 2, 1))
    covariance = ops.matmul(transposed, centered) / (size - 1)
    # Of what has no root `ops.cholesky` raises; this gives NaN, by which a training skips the step and ends cleanly.
    root = tf.linalg.cholesky((1.0 - epsilon) * covariance + epsilon * ops.eye(dim))
    return ops.transpose(ops.linalg.solve_triangular(root, transposed, lower=True), (0, 2, 1))
