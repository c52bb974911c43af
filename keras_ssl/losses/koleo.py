"""A regulariser that spreads rows over the sphere."""

from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.pairs import check_rows


def koleo(z):
    """Pushes each row away from the nearest other row (Kozachenko and Leonenko's estimate of the entropy, negated).

    Formula:
        `-mean_i(log(min_{j != i} |u_i - u_j| + 1e-8))`, with `u = z / |z|`

    The scale is the paper's, DINOv2's and lightly's, and so is the epsilon; those two also add 1e-8 to each coordinate
    of the difference. solo-learn has no such loss. DINOv2 weighs it by .1, and takes the rows of one replica.

    NOTE: A row that is the copy of another gets no gradient here, since there is no direction in which to part them.

    Args:
        z: Tensor of shape `(batch, dim)`. Any float dtype; computed in float32.

    Returns:
        float32 scalar, at least -log(2); 18.4 where each row has a copy.

    Raises:
        ValueError: If `z` is not of rank 2, or has fewer than two rows.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> round(float(losses.koleo(np.array([[2.0, 0.0], [-1.0, 0.0]]))), 4)  # -log(2)
    -0.6931

    Reference: Spreading vectors for similarity search, arXiv 1806.03198; DINOv2, arXiv 2304.07193,
    section 4.
    """
    check_rows("z", z, least=2)
    rows = normalize(z)
    fixed = ops.stop_gradient(rows)
    similarity = ops.matmul(fixed, ops.transpose(fixed)) - 4.0 * ops.eye(ops.shape(rows)[0])
    nearest = ops.take(rows, ops.argmax(similarity, axis=1), axis=0)
    # From the difference: 2 - 2 cos has no digits left for close rows. The root has no slope at zero.
    squared = ops.sum(ops.square(rows - nearest), axis=-1)
    return -ops.mean(ops.log(ops.sqrt(ops.maximum(squared, 1e-24)) + 1e-8))
