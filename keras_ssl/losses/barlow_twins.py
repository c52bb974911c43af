"""The loss of Barlow Twins."""

from keras import ops

from keras_ssl.losses.off_diagonal import off_diagonal_squares
from keras_ssl.losses.pairs import check_pair


def barlow_twins(z0, z1, redundancy_weight=0.005):
    """Pulls the cross-correlation matrix of two views towards the identity.

    Formula:
        `sum_i((1 - C_ii)^2) + redundancy_weight * sum_{i != j}(C_ij^2)`, with `C = u0^T u1 / n` and
        `u = (z - mean(z)) / sqrt(var(z) + 1e-5)`, each view over its own batch, with the biased variance.

    The scale is the paper's; the epsilon, without which a constant column would divide by zero, is that of the batch
    normalisation in the authors' code. solo-learn multiplies by `scale_loss`, .025 (.1 in its recipes for small
    pictures). lightly has this scale, but normalises both views by statistics that they share, so that its value
    differs where the views do.

    Args:
        z0: Tensor of shape `(batch, dim)`, projections of the first views, of all replicas (`distribution.gather`).
            Any float dtype; computed in float32.
        z1: Tensor of shape `(batch, dim)`, projections of the second views.
        redundancy_weight: float, at least 0; lambda in the paper.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the shapes differ, there is one row only, or the weight is negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")  # uncorrelated columns
    >>> round(float(losses.barlow_twins(z, z)), 4)
    0.0
    >>> round(float(losses.barlow_twins(z, -z)), 3)  # each 1 - C_ii is 2
    8.0

    Reference: Barlow Twins, arXiv 2103.03230, eq. 1 and 2.
    """
    check_pair(z0, z1, least=2)
    if redundancy_weight < 0:
        raise ValueError(f"`redundancy_weight` must not be negative. Received: redundancy_weight={redundancy_weight}")
    first, second = _standardized(z0), _standardized(z1)
    correlation = ops.matmul(ops.transpose(first), second) / ops.cast(ops.shape(z0)[0], "float32")
    invariance = ops.sum(ops.square(1.0 - ops.diagonal(correlation)))
    return invariance + redundancy_weight * off_diagonal_squares(correlation)


def _standardized(z):
    z = ops.cast(z, "float32")
    centered = z - ops.mean(z, axis=0)
    return centered / ops.sqrt(ops.mean(ops.square(centered), axis=0) + 1e-5)
