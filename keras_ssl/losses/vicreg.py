"""The loss of VICReg."""

from keras import ops

from keras_ssl.losses.off_diagonal import off_diagonal_squares
from keras_ssl.losses.pairs import check_pair


def vicreg(z0, z1, invariance_weight=25.0, variance_weight=25.0, covariance_weight=1.0):
    """Weighs what `vicreg_terms` gives: views agree, no feature is constant, and no two features are alike.

    Formula:
        `invariance_weight * s(z0, z1) + variance_weight * (v(z0) + v(z1)) + covariance_weight * (c(z0) + c(z1))`, with
        `s`, `v` and `c` as in `vicreg_terms`.

    The scale is that of the paper's equation 6 and algorithm 1, and of solo-learn. The authors' code and lightly take
    the mean of `v` over the two views where this takes the sum: their `variance_weight` is worth half as much. All
    take the sum of `c`. See `vicreg_terms` for equation 5.

    Args:
        z0: Tensor of shape `(batch, dim)`, projections of the first views, of all replicas (`distribution.gather`).
            Any float dtype; computed in float32.
        z1: Tensor of shape `(batch, dim)`, projections of the second views.
        invariance_weight: float, lambda in the paper.
        variance_weight: float, mu in the paper.
        covariance_weight: float, nu in the paper.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the shapes differ, or there is one row only.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.ones((4, 3), "float32")  # collapsed: the hinges are at 1 - sqrt(1e-4)
    >>> round(float(losses.vicreg(z, z)), 3)
    49.5

    Reference: VICReg, arXiv 2105.04906, eq. 6 and algorithm 1.
    """
    invariance, variance, covariance = vicreg_terms(z0, z1)
    return invariance_weight * invariance + variance_weight * variance + covariance_weight * covariance


def vicreg_terms(z0, z1):
    """The three terms of VICReg, not weighted, for instance to log them.

    Formula:
        `s(z0, z1) = mean((z0 - z1)^2)`, over rows and columns;
        `v(z) = mean_j(max(0, 1 - sqrt(var_j(z) + 1e-4)))`, with the unbiased variance of each column;
        `c(z) = sum_{i != j}(C_ij(z)^2) / dim`, with the unbiased covariance `C`.

    NOTE: The paper's equation 5 divides `s` by the rows only. Its algorithm 1 divides by rows and columns, as the
    authors' code, lightly and solo-learn do, and the published weights belong to that.

    Args:
        z0, z1: as in `vicreg`.

    Returns:
        Triple of float32 scalars: `s(z0, z1)`, `v(z0) + v(z1)`, `c(z0) + c(z1)`.

    Raises:
        ValueError: If the shapes differ, or there is one row only.

    Reference: VICReg, arXiv 2105.04906, eq. 1 to 5 and algorithm 1.
    """
    check_pair(z0, z1, least=2)
    z0, z1 = ops.cast(z0, "float32"), ops.cast(z1, "float32")
    invariance = ops.mean(ops.square(z0 - z1))
    (variance_0, covariance_0), (variance_1, covariance_1) = _spread(z0), _spread(z1)
    return invariance, variance_0 + variance_1, covariance_0 + covariance_1


def _spread(z):
    centered = z - ops.mean(z, axis=0)
    freedom = ops.cast(ops.shape(z)[0] - 1, "float32")
    deviation = ops.sqrt(ops.sum(ops.square(centered), axis=0) / freedom + 1e-4)
    covariance = ops.matmul(ops.transpose(centered), centered) / freedom
    return ops.mean(ops.relu(1.0 - deviation)), off_diagonal_squares(covariance) / z.shape[1]
