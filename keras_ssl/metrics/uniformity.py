"""How evenly embeddings cover the sphere."""

from keras import ops

ROWS_AT_ONCE = 1024


def uniformity(z, t=2):
    """Logarithm of the mean Gaussian potential over all pairs of rows: smaller is more even.

    Formula:
        `log(mean_{i < j}(exp(-t |u_i - u_j|^2)))`, with `u = z / |z|`

    The pairs are taken 1,024 rows at a time: 10,000 rows need some 100 MB, not the whole matrix of distances.

    Args:
        z: Tensor of shape `(batch, dim)`, the batch known and at least 2; L2-normalised here, in float32.
        t: float above 0.

    Returns:
        float32 scalar in [-4 * t, 0]; 0 means that all rows are the same (collapse).

    Raises:
        ValueError: If `z` is not of rank 2, or has fewer than two rows.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> float(metrics.uniformity(np.array([[1.0, 0.0], [-3.0, 0.0]])))
    -8.0

    Reference: Alignment and uniformity on the hypersphere, arXiv 2005.10242, section 4.1.2.
    """
    if len(z.shape) != 2 or z.shape[0] is None or z.shape[0] < 2:
        raise ValueError(
            f"`z` must have the shape (batch, dim) with 2 rows or more. Received: z.shape={tuple(z.shape)}"
        )
    rows = ops.normalize(ops.cast(z, "float32"), axis=-1)
    count = z.shape[0]
    total = 0.0
    for start in range(0, count, ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        cosine = ops.matmul(some, ops.transpose(rows[start:]))
        potential = ops.exp(-t * ops.maximum(2.0 - 2.0 * cosine, 0.0))
        total += ops.sum(ops.triu(potential, k=1))  # each pair once, none with itself
    return ops.log(total / (count * (count - 1) / 2))
