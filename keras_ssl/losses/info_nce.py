"""The contrastive loss of queries and keys, as in MoCo and NNCLR."""

from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.nt_xent import nt_xent_of_logits


def info_nce(queries, keys, negatives=None, temperature=0.2, *, candidates=None, offset=0, excluded=None):
    """Cross-entropy of finding each query's own key among negatives: those of a queue, or the other rows' keys.

    It stops no gradient itself, and looks one way only: MoCo passes keys and negatives that carry none, MoCo v3 and
    NNCLR take it in both directions.

    Formula:
        `-mean_i log(exp(<q_i, k_i> / T) / (exp(<q_i, k_i> / T) + sum_n exp(<q_i, n> / T)))`, all vectors normalised;
        `n` goes over `negatives`, or over the keys `k_j`, `j != i`, where those are None.

    The scale is that of MoCo's paper and code, of NNCLR's paper, of lightly's `NTXentLoss` with a memory bank, and of
    solo-learn's `mocov2plus_loss_func` and `nnclr_loss_func`. MoCo v3's loss, and solo-learn's `mocov3_loss_func`, are
    `2 * T` times this one, for each of two directions that are added.

    Args:
        queries: Tensor of shape `(batch, dim)`. Any float dtype; computed in float32.
        keys: Tensor of shape `(batch, dim)`, the positive of each query.
        negatives: Tensor of shape `(k, dim)`, the same for all queries, or None to take the keys of the other rows.
        temperature: float above 0.
        candidates: Tensor of shape `(all, dim)`, the keys of all replicas (`distribution.gather(keys)`), or None for
            those of this batch. Only without `negatives`.
        offset: int or scalar integer tensor, index in `candidates` of this batch's first key. Rows of `candidates` that
            are no query's own key, such as hard negatives, go behind all keys.
        excluded: bool Tensor of the shape of the logits, true for what is to be left out of a query's sum because it is
            no true negative, such as another copy of its key; or None. A query's own key stays, whatever is said of it.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the temperature is not positive, shapes do not fit, there is no negative, or both `negatives` and
            `candidates` are given.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> z = np.eye(2, dtype="float32")
    >>> round(float(losses.info_nce(z, z, temperature=1.0)), 4)  # log(e + 1) - 1
    0.3133
    >>> round(float(losses.info_nce(z, z, negatives=-z, temperature=1.0)), 4)  # log(e + 1 + 1 / e) - 1
    0.4076

    Reference: CPC, arXiv 1807.03748, eq. 4; MoCo, arXiv 1911.05722, eq. 1; NNCLR, arXiv 2104.14548, eq. 3.
    """
    options = {"candidates": candidates, "offset": offset, "excluded": excluded}
    return nt_xent_of_logits(*info_nce_logits(queries, keys, negatives, temperature, **options))


def info_nce_logits(queries, keys, negatives=None, temperature=0.2, *, candidates=None, offset=0, excluded=None):
    """The similarities that `info_nce` is the cross-entropy of, for instance to count how often the positive wins.

    `nt_xent_of_logits` makes the loss of them.

    Args:
        queries, keys, negatives, temperature, candidates, offset, excluded: as in `info_nce`.

    Returns:
        Pair of the logits, float32 of shape `(batch, 1 + k)` with the positive first, or `(batch, all)` without
        `negatives`, what is excluded masked by a large negative number, and the index of each row's positive column,
        int32 of shape `(batch,)`.
    """
    if not temperature > 0:
        raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
    if tuple(queries.shape) != tuple(keys.shape) or len(queries.shape) != 2:
        raise ValueError(
            "`queries` and `keys` must both have the shape (batch, dim). "
            f"Received: queries.shape={tuple(queries.shape)}, keys.shape={tuple(keys.shape)}"
        )
    if negatives is not None and candidates is not None:
        raise ValueError("`candidates` must be None where there are negatives. Received: both")
    name, others = ("candidates", candidates) if negatives is None else ("negatives", negatives)
    others = keys if others is None else others
    if len(others.shape) != 2 or others.shape[1] not in (queries.shape[1], None):  # gathered rows tell no shape
        raise ValueError(
            f"`{name}` must have the shape (rows, {queries.shape[1]}). Received: {name}.shape={tuple(others.shape)}"
        )
    if negatives is None and others.shape[0] == 1:
        raise ValueError(
            "`keys` needs at least two rows over all replicas, since the other rows are the negatives. Received: 1 row"
        )
    rows = normalize(queries)
    similarities = ops.matmul(rows, ops.transpose(normalize(others)))
    positives = ops.arange(ops.shape(queries)[0], dtype="int32") + offset
    if negatives is not None:
        own = ops.sum(rows * normalize(keys), axis=1, keepdims=True)
        similarities, positives = ops.concatenate([own, similarities], axis=1), ops.zeros_like(positives)
    logits = similarities / temperature
    if excluded is not None:
        _check_excluded(excluded, logits)
        columns = ops.arange(ops.shape(logits)[1], dtype="int32")
        others = ops.not_equal(columns[None, :], positives[:, None])
        logits = ops.where(ops.logical_and(excluded, others), -1e9, logits)
    return logits, positives


def _check_excluded(excluded, logits):
    pairs = zip(excluded.shape, logits.shape, strict=False)
    if len(excluded.shape) != 2 or any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            f"`excluded` must have the shape of the logits, {tuple(logits.shape)}. "
            f"Received: excluded.shape={tuple(excluded.shape)}"
        )
