"""What a model must beat that looks at nothing."""

import numpy as np


def unigram_entropy(counts):
    """Entropy of the tokens' frequencies: the least cross-entropy of a guess that does not look at the context.

    A masked or causal language model whose loss, in nats a token, is not below it has learned frequencies only.

    Formula:
        `-sum_t p_t log(p_t)`, `p_t = counts_t / sum(counts)`

    Args:
        counts: array of any shape, how often each token occurs, at least 0; for instance
            `np.bincount(token_ids.ravel())`, with 0 for what is never predicted: padding and other special ids.

    Returns:
        float, in nats, from 0 to the logarithm of the number of tokens that occur.

    Raises:
        ValueError: If a count is negative or not finite, or all are 0.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> round(metrics.unigram_entropy(np.array([5, 0, 5, 5, 5])), 4)  # log 4
    1.3863
    """
    counts = np.asarray(counts, "float64")
    if not np.isfinite(counts).all() or (counts < 0).any() or not counts.any():
        raise ValueError(
            "`counts` must be finite, 0 or more each, and not all 0. "
            f"Received: counts of shape {counts.shape} with sum {counts.sum()}"
        )
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())
