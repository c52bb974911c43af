"""The noise-contrastive loss of instance discrimination, over a memory of all examples."""

from keras import ops

from keras_ssl.losses.cosine import normalize


def nce(z, positives, negatives, normalizer, examples, temperature=0.07, proximal_weight=0.0):
    """Noise-contrastive estimation: is this remembered feature that of the example itself, or drawn at random?

    It stands for the softmax over all `examples`, whose sum would be too long: that sum is the constant `normalizer`,
    and each row becomes one yes and m noes of a logistic regression.

    Formula:
        `P(v) = exp(v . z / T) / Z`, `h(v) = P(v) / (P(v) + m / n)`, `Z` the normaliser, `n` the examples;
        the loss is the mean over rows of
        `-log h(positive) - sum over m negatives of log(1 - h(negative)) + proximal_weight * |z - positive|^2`,
        all vectors scaled to length 1.

    The scale is the paper's and that of its code, `lemniscate.pytorch`: a sum over the negatives, not their mean, so
    with 4,096 of them the loss begins near 8. lightly has the memory bank but this loss not, and solo-learn neither.

    Args:
        z: Tensor of shape `(batch, dim)`, projections. Any float dtype; computed in float32.
        positives: Tensor of shape `(batch, dim)`, what was remembered of the same examples. No gradient passes.
        negatives: Tensor of shape `(m, dim)`, m remembered features of examples drawn uniformly from all, with
            repetition, shared by the rows of the batch; or `(batch, m, dim)`, others for each row, as in the paper.
            No gradient passes.
        normalizer: float or float scalar tensor above 0, see `nce_normalizer`.
        examples: int, the number of all examples.
        temperature: float above 0.
        proximal_weight: float, 0 or more, weight of the squared distance to what was remembered, which steadies the
            loss while each example is seen once in an epoch (the paper's lambda).

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If a shape does not fit, the temperature or the number of examples is not positive, or the proximal
            weight is negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z, negatives = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, -1.0]])
    >>> round(float(losses.nce(z, z, negatives, normalizer=2.0, examples=4, temperature=1.0)), 4)
    1.6996
    >>> round(float(-np.log(np.e / (np.e + 1)) - 2 * np.log(1 / 2)), 4)  # P = e / 2 and 1 / 2, against m / n = 1 / 2
    1.6996

    Reference: Instance discrimination, arXiv 1805.01978, eq. 4 to 7; eq. 9 and 10 for the proximal term.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if not examples > 0:
        raise ValueError(f"`examples` must be positive. Received: examples={examples}")
    if proximal_weight < 0:
        raise ValueError(f"`proximal_weight` must not be negative. Received: proximal_weight={proximal_weight}")
    if len(z.shape) != 2 or tuple(positives.shape) != tuple(z.shape):
        raise ValueError(
            "`z` and `positives` must both have the shape (batch, dim). "
            f"Received: z.shape={tuple(z.shape)}, positives.shape={tuple(positives.shape)}"
        )
    z, positives = normalize(z), ops.stop_gradient(normalize(positives))
    similarities = _similarities(z, negatives)
    # log(P / (m / n)), of which h is the sigmoid: no probability is formed that could underflow.
    noise = ops.log(ops.cast(normalizer, "float32")) + ops.log(_count(negatives) / float(examples))
    yes = ops.sum(z * positives, axis=1) / temperature - noise
    noes = similarities / temperature - noise
    each = ops.softplus(-yes) + ops.sum(ops.softplus(noes), axis=1)
    return ops.mean(each + proximal_weight * ops.sum(ops.square(z - positives), axis=1))


def nce_normalizer(z, negatives, examples, temperature=0.07):
    """The Monte-Carlo estimate of the normaliser of `nce`: the softmax's sum over all examples, from a sample of them.

    Formula:
        `Z = n * mean over rows and negatives of exp(v . z / T)`

    NOTE: The paper's code counts each row's positive among the sample, one in 4,097, though its eq. 8 does not.

    Args:
        z, negatives, examples, temperature: as in `nce`.

    Returns:
        float32 scalar, without gradient. On several replicas their mean is that of the whole batch.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z, others = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, -1.0]])
    >>> float(losses.nce_normalizer(z, others, examples=10))
    10.0

    Reference: Instance discrimination, arXiv 1805.01978, eq. 8.
    """
    similarities = ops.stop_gradient(_similarities(normalize(z), negatives))
    return float(examples) * ops.mean(ops.exp(similarities / temperature))


def _similarities(z, negatives):
    """Cosine similarity of each row to its negatives: `(batch, m)`."""
    shape = tuple(negatives.shape)
    if len(shape) not in (2, 3) or shape[-1] != z.shape[-1]:
        raise ValueError(
            f"`negatives` must have the shape (m, {z.shape[-1]}) or (batch, m, {z.shape[-1]}). "
            f"Received: negatives.shape={shape}"
        )
    negatives = ops.stop_gradient(normalize(negatives))
    if len(shape) == 2:
        return ops.matmul(z, ops.transpose(negatives))
    return ops.einsum("bd,bmd->bm", z, negatives)


def _count(negatives):
    return ops.cast(ops.shape(negatives)[-2], "float32")
