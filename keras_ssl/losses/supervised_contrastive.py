"""The contrastive loss of SupCon, whose positives are all rows of one class."""

from keras import ops

from keras_ssl.losses.cosine import normalize


def supervised_contrastive(z, labels, temperature=0.1, *, candidates=None, candidate_labels=None, offset=0):
    """Each row must find all other rows of its class among all other rows.

    Formula:
        `l_i = -mean_{p in P(i)} log(exp(<z_i, z_p> / T) / sum_{a != i} exp(<z_i, z_a> / T))`, rows normalised, `P(i)`
        the other rows with the label of `i`; the loss is the mean of `l_i` over the rows.

    A row without a positive (its label occurs once) has an empty sum and adds 0, but counts in the mean, and is a
    negative of the other rows. In the paper this cannot happen, for every picture comes in two views.

    With a label of its own for each picture it is `nt_xent` of the pictures' two views. The paper's loss (`L_out`) is
    the sum over the rows, their number times this mean. The paper's TensorFlow code multiplies the mean by `T`, its
    PyTorch code by `T / 0.07`, and so does lightly's `SupConLoss` by `T` (unless `rescale=False`). solo-learn's SupCon
    is another loss: it sums over the positives within the logarithm.

    Args:
        z: Tensor of shape `(rows, dim)`, one row for each view. Any float dtype; computed in float32.
        labels: Tensor of shape `(rows,)`, the class of each row; any dtype that can be compared.
        temperature: float above 0.
        candidates: Tensor of shape `(all, dim)`, the rows of all replicas (`distribution.gather(z)`), or None for these
            alone.
        candidate_labels: Tensor of shape `(all,)`, the classes of the candidates; given with them.
        offset: int or scalar integer tensor, index in `candidates` of the first of these rows.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the temperature is not positive, shapes do not fit, or there is a single row.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> round(float(losses.supervised_contrastive(z, np.array([0, 0, 1, 1]), temperature=1.0)), 4)  # log(e + 2) - 1
    0.5514

    Reference: Supervised contrastive learning, arXiv 2004.11362, eq. 2.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if (candidates is None) != (candidate_labels is None):
        raise ValueError(
            "`candidates` and `candidate_labels` must be given together. "
            f"Received: {'candidates' if candidate_labels is None else 'candidate_labels'} alone"
        )
    others, their_labels = (z, labels) if candidates is None else (candidates, candidate_labels)
    for names, rows, classes in (
        ("`z` and `labels`", z, labels),
        ("`candidates` and `candidate_labels`", others, their_labels),
    ):
        if len(rows.shape) != 2 or tuple(classes.shape) != tuple(rows.shape[:1]):
            raise ValueError(
                f"{names} must have the shapes (rows, dim) and (rows,). "
                f"Received: shapes {tuple(rows.shape)} and {tuple(classes.shape)}"
            )
    if others.shape[0] == 1:
        raise ValueError("`z` needs at least two rows over all replicas, to compare. Received: 1 row")
    logits = ops.matmul(normalize(z), ops.transpose(normalize(others))) / temperature
    own = ops.arange(ops.shape(z)[0], dtype="int32") + offset
    itself = ops.equal(ops.arange(ops.shape(others)[0], dtype="int32")[None, :], own[:, None])
    logits = ops.where(itself, -1e9, logits)

    same_class = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(their_labels, 0))
    positives = ops.cast(ops.logical_and(same_class, ops.logical_not(itself)), "float32")
    surprise = ops.logsumexp(logits, axis=1, keepdims=True) - logits
    return ops.mean(ops.sum(positives * surprise, axis=1) / ops.maximum(ops.sum(positives, axis=1), 1.0))
