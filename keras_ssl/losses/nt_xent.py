"""The contrastive loss of SimCLR."""

from keras import ops

from keras_ssl.losses.cosine import normalize


def nt_xent(z0, z1, temperature=0.5, *, candidates=None, offset=0):
    """Normalised temperature-scaled cross-entropy between two views: each row must find its other view.

    Formula:
        `l(i, j) = -log(exp(s_ij / T) / sum_{k != i} exp(s_ik / T))`, `s` the cosine similarity, over the 2N rows of
        both views; the loss is the mean of `l(i, j(i))` over the 2N rows, `j(i)` the other view of `i`.

    The scale is the paper's and that of lightly and solo-learn; SimCLR's TensorFlow code, and keras-cv's, add the two
    directions where this takes their mean, so their value is twice this one.

    Args:
        z0: Tensor of shape `(batch, dim)`, projections of the first views. Any float dtype; computed in float32.
        z1: Tensor of shape `(batch, dim)`, projections of the second views.
        temperature: float above 0.
        candidates: pair of Tensors of shape `(all, dim)`, projections of both views on all replicas
            (`distribution.gather(z0)`, `distribution.gather(z1)`), or None for this batch alone.
        offset: int or scalar integer tensor, index in `candidates` of this batch's first row.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the temperature is not positive, the shapes differ, or there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.eye(2, dtype="float32")
    >>> round(float(losses.nt_xent(z, z, temperature=1.0)), 4)  # log(e + 2) - 1
    0.5514

    Reference: SimCLR, arXiv 2002.05709, eq. 1 and algorithm 1.
    """
    return nt_xent_of_logits(*nt_xent_logits(z0, z1, temperature, candidates=candidates, offset=offset))


def nt_xent_of_logits(logits, positives):
    """`nt_xent` of what `nt_xent_logits` gave, where the logits are wanted for more than the loss."""
    at_positive = ops.take_along_axis(logits, positives[:, None], axis=1)[:, 0]
    return ops.mean(ops.logsumexp(logits, axis=1) - at_positive)


def nt_xent_logits(z0, z1, temperature=0.5, *, candidates=None, offset=0):
    """The similarities that `nt_xent` is the cross-entropy of, for instance to count how often the positive wins.

    Args:
        z0, z1, temperature, candidates, offset: as in `nt_xent`.

    Returns:
        Pair of the logits, float32 of shape `(2 * batch, 2 * all)`, a row's own column masked by a large negative
        number, and the index of each row's positive column, int32 of shape `(2 * batch,)`.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if tuple(z0.shape) != tuple(z1.shape) or len(z0.shape) != 2:
        raise ValueError(
            "`z0` and `z1` must both have the shape (batch, dim). "
            f"Received: z0.shape={tuple(z0.shape)}, z1.shape={tuple(z1.shape)}"
        )
    others = candidates if candidates is not None else (z0, z1)
    if others[0].shape[0] == 1:
        raise ValueError(
            "`z0` needs at least two rows over all replicas, since the other rows are the negatives. "
            f"Received: {others[0].shape[0]} row"
        )
    rows = ops.concatenate([normalize(z0), normalize(z1)], axis=0)
    columns = ops.concatenate([normalize(others[0]), normalize(others[1])], axis=0)
    logits = ops.matmul(rows, ops.transpose(columns)) / temperature

    batch, total = ops.shape(z0)[0], ops.shape(others[0])[0]
    first = ops.arange(batch, dtype="int32") + offset
    own, positives = ops.concatenate([first, first + total]), ops.concatenate([first + total, first])
    itself = ops.equal(ops.arange(2 * total, dtype="int32")[None, :], own[:, None])
    return ops.where(itself, -1e9, logits), positives
