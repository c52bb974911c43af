"""Cosine similarity as a loss."""

from keras import ops


def normalize(z):
    """Rows scaled to length 1, in float32 whatever came in; a zero row stays zero.

    Args:
        z: Tensor of shape `(..., dim)`.

    Returns:
        float32 Tensor of the same shape.
    """
    z = ops.cast(z, "float32")
    return z / ops.sqrt(ops.maximum(ops.sum(ops.square(z), axis=-1, keepdims=True), 1e-12))


def negative_cosine(p, z):
    """Mean of the negative cosine similarity between predictions and targets.

    It stops no gradient itself: BYOL and SimSiam pass a target that carries none.

    Formula:
        `-mean(<p, z> / (|p| |z|))`

    BYOL's squared distance of normalised vectors is `2 + 2 * negative_cosine(p, z)`.

    Args:
        p: Tensor of shape `(batch, dim)`, predictions. Any float dtype; computed in float32.
        z: Tensor of shape `(batch, dim)`, targets.

    Returns:
        float32 scalar in [-1, 1].

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> float(losses.negative_cosine(np.array([[2.0, 0.0]]), np.array([[1.0, 0.0]])))
    -1.0

    Reference: SimSiam, arXiv 2011.10566, eq. 1; BYOL, arXiv 2006.07733, eq. 2.
    """
    if tuple(p.shape) != tuple(z.shape):
        raise ValueError(
            f"`p` and `z` must have the same shape. Received: p.shape={tuple(p.shape)}, z.shape={tuple(z.shape)}"
        )
    return -ops.mean(ops.sum(normalize(p) * normalize(z), axis=-1))
