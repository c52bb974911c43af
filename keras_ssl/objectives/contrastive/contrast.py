"""Queries against keys: what the objectives have in common whose loss is `info_nce`."""

from keras import ops

from keras_ssl import distribution, losses


def contrast(pairs, temperature, negatives=None):
    """Similarities of queries with keys, for one or several pairs of views.

    Args:
        pairs: iterable of `(queries, keys)`, Tensors of shape `(rows, dim)`; their rows are joined.
        temperature: float above 0.
        negatives: Tensor of shape `(k, dim)`, or None to take the keys of the other rows, on all replicas.

    Returns:
        dict with `logits`, float32 of shape `(pairs * rows, columns)`, and `partners`, the column of each row's
        positive: int32 of shape `(pairs * rows,)`.
    """
    found = []
    for queries, keys in pairs:
        others = {}
        if negatives is None:
            others = {"candidates": distribution.gather(keys), "offset": distribution.first_row(keys)}
        found.append(losses.info_nce_logits(queries, keys, negatives, temperature, **others))
    logits, partners = (ops.concatenate(parts, axis=0) for parts in zip(*found, strict=True))
    return {"logits": logits, "partners": partners}
