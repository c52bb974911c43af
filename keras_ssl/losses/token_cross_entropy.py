"""Cross-entropy over the tokens that count."""

from keras import ops


def token_cross_entropy(labels, logits, weights, label_smoothing=0.0):
    """Sum of the tokens' cross-entropies and of their weights: a term that is a mean over all replicas' tokens.

    An objective returns the pair as it is; the base divides by the weight of all replicas. Rows of unlike length, or
    with unlike numbers of masked tokens, would make a mean of means wrong.

    Formula:
        `sum_i w_i * l_i` and `sum_i w_i`, where `l_i = logsumexp(logits_i) - logits_i[labels_i]`; with smoothing
        `l_i = logsumexp(logits_i) - (1 - s) * logits_i[labels_i] - s * mean(logits_i)`.

    Args:
        labels: int Tensor of any shape, mostly `(rows, length)`, ids in `[0, vocabulary)`. Where the weight is 0 it may
            be anything, -1 for instance.
        logits: Tensor of that shape and a last axis `vocabulary`. Any float dtype; computed in float32.
        weights: float, int or bool Tensor that broadcasts to `labels`, at least 0: 1 for a token to be predicted.
        label_smoothing: float `s` in [0, 1).

    Returns:
        Pair of float32 scalars, the weighted sum of the losses in nats and the sum of the weights.

    Raises:
        ValueError: If the shapes do not fit, or `label_smoothing` is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> total, weight = losses.token_cross_entropy(np.array([[2, 0, 1]]), np.zeros((1, 3, 4)), np.array([[1, 1, 0]]))
    >>> round(float(total / weight), 4), float(weight)  # log 4
    (1.3863, 2.0)

    Reference: BERT, arXiv 1810.04805, section 3.1; smoothing, arXiv 1512.00567, section 7.
    """
    if len(logits.shape) != len(labels.shape) + 1:
        raise ValueError(
            "`logits` must have the shape of `labels` and one more axis, the vocabulary. "
            f"Received: labels.shape={tuple(labels.shape)}, logits.shape={tuple(logits.shape)}"
        )
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"`label_smoothing` must be in [0, 1). Received: label_smoothing={label_smoothing}")
    logits = ops.cast(logits, "float32")
    weights = ops.broadcast_to(ops.cast(weights, "float32"), ops.shape(labels))
    labels = ops.where(weights > 0, ops.cast(labels, "int32"), 0)
    token_losses = ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    if label_smoothing:
        uniform = ops.logsumexp(logits, axis=-1) - ops.mean(logits, axis=-1)
        token_losses = (1.0 - label_smoothing) * token_losses + label_smoothing * uniform
    return ops.sum(weights * token_losses), ops.sum(weights)
