"""The loss of TiCo."""

from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.pairs import check_pair, check_rows


def tico(z0, z1, covariance, weight=8.0):
    """Pulls positives together, and pushes rows out of the directions in which most rows lie.

    Formula:
        `1 - mean_i(<u0_i, u1_i>) + weight * mean_i(u0_i^T C u0_i)`, with `u = z / |z|`

    The scale is the paper's and lightly's, whose default weight is 20 where the paper's is 8. solo-learn has no TiCo.
    `C` is that of the running step, made by `tico_covariance`: in the paper's pseudo-code, as in lightly, the gradient
    passes through the batch's part of it, and stops at the part of the steps before.

    Args:
        z0: Tensor of shape `(batch, dim)`, the student's projections of the first views. Any float dtype; computed in
            float32.
        z1: Tensor of shape `(batch, dim)`, the teacher's projections of the second views.
        covariance: Tensor of shape `(dim, dim)`, `tico_covariance` of `z0` of all replicas.
        weight: float, at least 0; rho in the paper.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the shapes do not fit, or the weight is negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.array([[2.0, 0.0], [0.0, 3.0]])
    >>> covariance = losses.tico_covariance(z, np.zeros((2, 2)), momentum=0.9)
    >>> round(float(losses.tico(z, z, covariance, weight=8.0)), 4)  # 8 * .1 * 1/2
    0.4

    Reference: TiCo, arXiv 2206.10698, algorithm 1.
    """
    check_pair(z0, z1)
    _check_covariance(z0, covariance)
    if weight < 0:
        raise ValueError(f"`weight` must not be negative. Received: weight={weight}")
    first, second = normalize(z0), normalize(z1)
    invariance = 1.0 - ops.mean(ops.sum(first * second, axis=-1))
    crowding = ops.sum(ops.matmul(first, ops.cast(covariance, "float32")) * first, axis=-1)
    return invariance + weight * ops.mean(crowding)


def tico_covariance(z0, covariance, momentum=0.9):
    """The running second moment of unit rows, moved by a batch.

    Formula:
        `momentum * covariance + (1 - momentum) * mean_i(u_i u_i^T)`, with `u = z0 / |z0|`

    Args:
        z0: Tensor of shape `(batch, dim)`, the student's projections, of all replicas (`distribution.gather`). The
            gradient passes.
        covariance: Tensor of shape `(dim, dim)`, that of the step before; zeros at first. No gradient passes.
        momentum: float in [0, 1); beta in the paper.

    Returns:
        float32 Tensor of shape `(dim, dim)`.

    Raises:
        ValueError: If the shapes do not fit, or the momentum is out of bounds.

    Reference: TiCo, arXiv 2206.10698, algorithm 1.
    """
    check_rows("z0", z0, least=1)
    _check_covariance(z0, covariance)
    if not 0 <= momentum < 1:
        raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
    rows = normalize(z0)
    moment = ops.matmul(ops.transpose(rows), rows) / ops.cast(ops.shape(rows)[0], "float32")
    before = ops.stop_gradient(ops.cast(covariance, "float32"))
    return momentum * before + (1.0 - momentum) * moment


def _check_covariance(z0, covariance):
    if tuple(covariance.shape) != (z0.shape[1], z0.shape[1]):
        raise ValueError(
            f"`covariance` must have the shape (dim, dim) with dim={z0.shape[1]}. "
            f"Received: covariance.shape={tuple(covariance.shape)}"
        )
