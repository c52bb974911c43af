"""The loss of SwAV."""

from keras import ops

from keras_ssl.losses.cross_entropy import cross_entropy
from keras_ssl.losses.sinkhorn import sinkhorn


def swav(
    high_resolution_scores,
    low_resolution_scores,
    temperature=0.1,
    epsilon=0.05,
    iterations=3,
    *,
    queue_scores=None,
    queue_weight=1.0,
):
    """Swapped prediction: each view has to predict to which prototypes the large views of its picture were assigned.

    Formula:
        `q_i = sinkhorn(s_i)` for each large view `i`; the loss is the mean, over large views `i` and all other views
        `v != i`, of the mean over rows of `-sum_k q_ik * log softmax(s_v / temperature)_k`.

    The scale is that of the paper's code, lightly and solo-learn; equation 2 of the paper adds the two directions of
    two views, where its code and this take their mean.

    Args:
        high_resolution_scores: list of Tensors of shape `(batch, prototypes)`, similarities of the large views'
            normalised projections to the prototypes; two or more, or one if there are small views. Any float dtype;
            computed in float32.
        low_resolution_scores: list of Tensors of the same shape for the small views, which are not assigned; may be
            empty.
        temperature: float above 0.
        epsilon: float above 0, see `sinkhorn`.
        iterations: int, 1 or more, see `sinkhorn`.
        queue_scores: list of Tensors of shape `(queued, prototypes)`, one for each large view, balanced along with its
            scores; or None.
        queue_weight: float or scalar Tensor, see `sinkhorn`.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If an argument is out of range, there are too few views, or not a queue for each large view.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> scores = np.eye(4, dtype="float32")  # each row has a prototype of its own
    >>> round(float(losses.swav([scores, scores], [], temperature=1.0)), 4)  # log(e + 3) - 1
    0.7437

    Reference: arXiv 2006.09882, eq. 2 and 6, and algorithm 1 in the appendix.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    views = [*high_resolution_scores, *low_resolution_scores]
    if not high_resolution_scores or len(views) < 2:
        raise ValueError(
            "`high_resolution_scores` must hold a view, and there must be another to predict it. "
            f"Received: {len(high_resolution_scores)} large and {len(low_resolution_scores)} small views"
        )
    queues = queue_scores if queue_scores is not None else [None] * len(high_resolution_scores)
    if len(queues) != len(high_resolution_scores):
        raise ValueError(
            f"`queue_scores` must hold one queue for each of the {len(high_resolution_scores)} large views. "
            f"Received: {len(queues)} queues"
        )
    total = 0.0
    for assigned, (scores, queue) in enumerate(zip(high_resolution_scores, queues, strict=True)):
        assignments = sinkhorn(scores, epsilon, iterations, queue=queue, queue_weight=queue_weight)
        for index, predicted in enumerate(views):
            if index != assigned:
                total += cross_entropy(assignments, ops.cast(predicted, "float32") / temperature)
    return total / (len(high_resolution_scores) * (len(views) - 1))
