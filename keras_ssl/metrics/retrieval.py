"""How often what belongs to a vector is found among many."""

import numpy as np
import tensorflow as tf

# Cosines nearer than this are equal but for float32's rounding, which differs from column to column of a product.
TIE = 1e-6
COSINES_AT_ONCE = 2**24


def retrieval(queries, candidates, targets=None, at=(1, 5, 10)):
    """Recall and mean reciprocal rank of the candidates that belong to each query, by cosine.

    Formula:
        `rank_q = 1 + #{wrong c: cos(q, c) >= max_{right r} cos(q, r)}`; `recall@k = mean_q(rank_q <= k)`;
        `mrr = mean_q(1 / rank_q)`.

    A wrong candidate as near as the right one stands before it: an encoder that gives all texts one vector finds
    nothing. Of several right candidates the nearest counts, and the others do not stand in its way.

    Queries are taken by blocks, so that no more than 16 million cosines are in memory at a time.

    Args:
        queries: array of shape `(queries, features)`; it may be a sparse one of SciPy.
        candidates: array of shape `(candidates, features)`; sparse if `queries` is.
        targets: int array of shape `(pairs, 2)`: row of a query, and row of a candidate that is right for it; one or
            more for each query. None where query `i` belongs to candidate `i`.
        at: ints, the `k` of `recall@k`.

    Returns:
        Dict of floats in [0, 1]: `"recall@1"` and so on, and `"mrr"`.

    Raises:
        ValueError: If arrays are not finite or do not fit, or a query has no right candidate.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> metrics.retrieval(np.eye(3), np.eye(3)[[0, 2, 1]], at=(1, 3))["recall@3"]
    1.0
    >>> metrics.retrieval(np.ones((4, 3)), np.ones((4, 3)), at=(1,))  # collapsed
    {'recall@1': 0.0, 'mrr': 0.25}

    Reference: mean reciprocal rank, Voorhees, "The TREC-8 question answering track report", 1999.
    """
    queries, candidates = _unit_rows("queries", queries), _unit_rows("candidates", candidates)
    if queries.shape[1] != candidates.shape[1]:
        raise ValueError(
            "`queries` and `candidates` must have the same number of features. "
            f"Received: queries.shape={tuple(queries.shape)}, candidates.shape={tuple(candidates.shape)}"
        )
    if not at or min(at) < 1:
        raise ValueError(f"`at` must be one or more numbers, 1 or more each. Received: at={at}")
    targets = _sorted_targets(targets, queries.shape[0], candidates.shape[0])
    block = max(1, COSINES_AT_ONCE // candidates.shape[0])
    ranks = np.concatenate(
        [_ranks(queries, candidates, targets, start, block) for start in range(0, queries.shape[0], block)]
    )
    return {**{f"recall@{k}": float(np.mean(ranks <= k)) for k in at}, "mrr": float(np.mean(1 / ranks))}


def _ranks(queries, candidates, targets, start, block):
    cosines = _cosines(queries[start : start + block], candidates)
    mine = slice(*np.searchsorted(targets[:, 0], [start, start + block]))
    right = np.zeros(cosines.shape, bool)
    right[targets[mine, 0] - start, targets[mine, 1]] = True
    nearest = cosines.max(axis=1, where=right, initial=-np.inf, keepdims=True)
    return 1 + np.count_nonzero((cosines >= nearest - TIE) & ~right, axis=1)


def _cosines(queries, candidates):
    if hasattr(queries, "toarray"):
        return (queries @ candidates.T).toarray()
    return tf.matmul(queries, candidates, transpose_b=True).numpy()


def _sorted_targets(targets, queries, candidates):
    if targets is None:
        if queries != candidates:
            raise ValueError(
                "`targets` must be given where queries and candidates are not as many. "
                f"Received: {queries} queries, {candidates} candidates, targets=None"
            )
        targets = np.arange(queries)[:, None].repeat(2, axis=1)
    targets = np.asarray(targets)
    if targets.ndim != 2 or targets.shape[1] != 2 or targets.dtype.kind not in "iu":
        raise ValueError(
            "`targets` must be integers of shape (pairs, 2). "
            f"Received: targets.shape={targets.shape}, targets.dtype={targets.dtype}"
        )
    if len(targets) and ((targets < 0).any() or (targets >= [queries, candidates]).any()):
        raise ValueError(
            f"`targets` must be rows of the {queries} queries and {candidates} candidates. "
            f"Received: rows from {targets.min(axis=0)} to {targets.max(axis=0)}"
        )
    missing = queries - len(np.unique(targets[:, 0]))
    if missing:
        raise ValueError(f"`targets` must name a candidate for each query. Received: {missing} queries without one")
    return targets[np.argsort(targets[:, 0], kind="stable")]


def _unit_rows(name, rows):
    if hasattr(rows, "toarray"):
        from sklearn.preprocessing import normalize

        return normalize(rows)
    rows = tf.cast(rows, "float32")
    if len(rows.shape) != 2 or 0 in rows.shape:
        raise ValueError(
            f"`{name}` must have the shape ({name}, features), neither of them 0. Received: {name}.shape={rows.shape}"
        )
    bad = int(tf.reduce_sum(tf.cast(~tf.reduce_all(tf.math.is_finite(rows), axis=1), "int32")))
    if bad:
        raise ValueError(f"`{name}` must be finite. Received: {bad} of {len(rows)} rows of {name} with NaN or infinity")
    return tf.math.l2_normalize(rows, axis=1)  # a row of zeros stays one: equally near to all
