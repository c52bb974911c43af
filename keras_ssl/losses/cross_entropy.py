"""Cross-entropy between classes, or distributions over them, and logits."""

from keras import ops


def cross_entropy(targets, logits):
    """Mean cross-entropy of predicted classes against known ones, or against distributions over classes.

    It stops no gradient itself: targets that a network made are to be handed over without one.

    Formula:
        `-mean over rows of sum_k targets_k * log softmax(logits)_k`; a class stands for 1 there and 0 elsewhere.

    The scale is that of `torch.nn.functional.cross_entropy` and of `keras.losses`, and of the papers that use it.

    Args:
        targets: int Tensor of shape `(batch,)`, classes in `[0, classes)`, or float Tensor of shape
            `(batch, classes)`, distributions. A row of zeros adds nothing to the sum, but counts as a row.
        logits: Tensor of shape `(batch, classes)`. Any float dtype; computed in float32.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the shapes do not fit.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> round(float(losses.cross_entropy(np.array([1]), np.zeros((1, 4), "float32"))), 4)  # log 4
    1.3863
    """
    if len(logits.shape) != 2 or tuple(targets.shape) not in (tuple(logits.shape), tuple(logits.shape[:1])):
        raise ValueError(
            "`targets` must have the shape (batch,) or (batch, classes), and `logits` (batch, classes). "
            f"Received: targets.shape={tuple(targets.shape)}, logits.shape={tuple(logits.shape)}"
        )
    if len(targets.shape) == 1:
        targets = ops.one_hot(targets, logits.shape[1], dtype="float32")
    predicted = ops.log_softmax(ops.cast(logits, "float32"), axis=1)
    return -ops.mean(ops.sum(ops.cast(targets, "float32") * predicted, axis=1))
