"""How close positive pairs lie."""

from keras import ops


def alignment(z0, z1, alpha=2):
    """Mean distance of positive pairs on the unit sphere, to the power `alpha`: smaller is closer.

    Formula:
        `mean_i(|u0_i - u1_i| ** alpha)`, with `u = z / |z|`

    Args:
        z0: Tensor of shape `(batch, dim)`, one view's embeddings; L2-normalised here, in float32.
        z1: Tensor of shape `(batch, dim)`, the other view's, row by row.
        alpha: float above 0.

    Returns:
        float32 scalar in [0, 2 ** alpha].

    Raises:
        ValueError: If the shapes differ or are not of rank 2.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> float(metrics.alignment(np.array([[2.0, 0.0]]), np.array([[0.0, 1.0]])))
    2.0

    Reference: Alignment and uniformity on the hypersphere, arXiv 2005.10242, section 4.1.1.
    """
    if tuple(z0.shape) != tuple(z1.shape) or len(z0.shape) != 2:
        raise ValueError(
            "`z0` and `z1` must have the same shape (batch, dim). "
            f"Received: z0.shape={tuple(z0.shape)}, z1.shape={tuple(z1.shape)}"
        )
    first, second = (ops.normalize(ops.cast(z, "float32"), axis=-1) for z in (z0, z1))
    squared = ops.sum(ops.square(first - second), axis=-1)
    return ops.mean(ops.power(squared, alpha / 2))
