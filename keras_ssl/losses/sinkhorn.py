"""Assignments of rows to prototypes that share the rows equally among the prototypes."""

from keras import ops

from keras_ssl import distribution


def sinkhorn(scores, epsilon=0.05, iterations=3, *, queue=None, queue_weight=1.0):
    """Assigns the rows of the global batch to prototypes so that all prototypes get about the same share.

    Under replicas the rows of all of them are balanced together, by an exchange of one sum for each prototype and
    iteration. No gradient flows through it.

    Formula:
        `Q = exp(scores / epsilon)`; then, `iterations` times, each column (prototype) of `Q` is divided by its sum
        over the rows of all replicas and of the queue, and each row by its own sum.

    NOTE: the paper divides by the number of prototypes and of rows, too, so that `Q` stays a joint distribution;
    these factors cancel in the rows that it returns, as they do in lightly and solo-learn: all give this `Q`.

    Args:
        scores: Tensor of shape `(batch, prototypes)`, similarities. Any float dtype; computed in float32.
        epsilon: float above 0. The smaller, the closer each row is to a single prototype.
        iterations: int, 1 or more.
        queue: Tensor of shape `(queued, prototypes)`, scores of older rows that are balanced along with the batch;
            the same on every replica, where it counts once. None for the batch alone.
        queue_weight: float or scalar Tensor, how much a queued row counts: 0 leaves the queue out, for instance
            before it is filled.

    Returns:
        float32 Tensor of shape `(batch, prototypes)`, each row summing to 1.

    Raises:
        ValueError: If an argument is out of range, or the queue has other prototypes.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> scores = np.array([[1.0, 0.8], [1.0, 0.2]])  # both rows prefer the first prototype, one of them less
    >>> print(np.asarray(losses.sinkhorn(scores, epsilon=0.05)).round(2))
    [[0.14 0.86]
     [1.   0.  ]]

    Reference: SwAV, arXiv 2006.09882, eq. 3-5 and algorithm 1 in the appendix; Sinkhorn distances, arXiv 1306.0895.
    """
    _check(scores, epsilon, iterations, queue)
    logits = ops.cast(ops.stop_gradient(scores), "float32") / epsilon
    counts = ops.ones_like(logits[:, :1])
    if queue is not None:
        queued = ops.cast(ops.stop_gradient(queue), "float32") / epsilon
        logits = ops.concatenate([logits, queued], axis=0)
        once = ops.cast(queue_weight, "float32") / distribution.replica_count()
        counts = ops.concatenate([counts, once * ops.ones_like(queued[:, :1])], axis=0)

    # Each row is scaled to a largest entry of 1, so that none vanishes, and that factor is made good in the first sum,
    # up to one for all. The largest entry of all replicas is a gather of one number from each.
    largest = ops.max(logits, axis=1, keepdims=True)
    shares = ops.exp(logits - largest)
    counts_at_first = counts * ops.exp(largest - ops.max(distribution.gather(ops.reshape(ops.max(largest), (1,)))))
    for iteration in range(iterations):
        weights = counts if iteration else counts_at_first
        totals = distribution.global_sum(ops.sum(weights * shares, axis=0))
        shares = shares / ops.maximum(totals, _TINY)
        shares = shares / ops.sum(shares, axis=1, keepdims=True)
    return shares[: ops.shape(scores)[0]]


_TINY = 1e-30


def _check(scores, epsilon, iterations, queue):
    if not epsilon > 0:
        raise ValueError(f"`epsilon` must be positive. Received: epsilon={epsilon}")
    if not isinstance(iterations, int) or iterations < 1:
        raise ValueError(f"`iterations` must be an int, 1 or more. Received: iterations={iterations}")
    if len(scores.shape) != 2:
        raise ValueError(f"`scores` must have the shape (batch, prototypes). Received: shape {tuple(scores.shape)}")
    if queue is not None and (len(queue.shape) != 2 or queue.shape[1] != scores.shape[1]):
        raise ValueError(
            f"`queue` must have the shape (queued, {scores.shape[1]}). Received: shape {tuple(queue.shape)}"
        )
