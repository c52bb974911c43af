"""How many pieces are to be predicted, and what stands in their place."""

import tensorflow as tf


def mask_count(token_ids, table, rate, maximum=None):
    """How many pieces of each row are to be predicted.

    Formula:
        `min(maximum, max(1, round(rate * length)))`, `length` the pieces that are no padding, special ones included;
        0 for rows that have nothing but special ids.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        table: `TokenTable`.
        rate: float in (0, 1).
        maximum: int or None.

    Returns:
        int32 Tensor of shape `(rows,)`.
    """
    lengths = tf.reduce_sum(tf.cast(token_ids != table.pad_id, "int32"), axis=1)
    count = _share(lengths, rate, maximum)
    maskable = tf.reduce_sum(tf.cast(~table.is_special(token_ids), "int32"), axis=1)
    return tf.minimum(count, maskable)


def most_chosen(length, rate, maximum=None):
    """The most pieces that `mask_count` gives for a row of this length: an int if `length` is one, else a tensor."""
    if isinstance(length, int):
        count = max(1, round(rate * length))
        return min(count if maximum is None else min(count, maximum), length)
    return tf.minimum(_share(length, rate, maximum), length)


def _share(length, rate, maximum):
    # In float64, and half to even: what Python's round gives.
    count = tf.maximum(tf.cast(tf.round(rate * tf.cast(length, "float64")), "int32"), 1)
    return count if maximum is None else tf.minimum(count, maximum)


def places_of(chosen, most):
    """The places of the chosen pieces of each row, in rising order, and which of them are such places.

    Args:
        chosen: bool Tensor of shape `(rows, length)`.
        most: int or int32 scalar, the most that are chosen in a row, at most `length`.

    Returns:
        Pair of int32 Tensors of shape `(rows, most)`: places, and 1 where the place is a chosen one. Those that fill up
        a row are other places of it.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import places_of
    >>> places, weights = places_of(tf.constant([[False, True, False, True], [False, False, True, False]]), 2)
    >>> places.numpy().tolist(), weights.numpy().tolist()
    ([[1, 3], [2, 0]], [[1, 1], [1, 0]])
    """
    found = tf.math.top_k(tf.cast(chosen, "int32"), most)  # of equals the first one comes first
    return found.indices, found.values


def corrupt(token_ids, chosen, group, table, rng, mask_share=0.8, random_share=0.1):
    """Hides chosen pieces: most by the mask token, some by a random token, and some stay as they are.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        chosen: bool Tensor of the same shape, the pieces that are to be predicted.
        group: int32 Tensor of the same shape, in [0, length): pieces of one group share the draw between mask, random
            token and itself.
        table: `TokenTable` with a mask token.
        rng: `keras_ssl.random.RowDraws`.
        mask_share: float in [0, 1].
        random_share: float in [0, 1]; each piece gets a token of its own, never a special one.

    Returns:
        int32 Tensor of the same shape.

    Raises:
        ValueError: If the vocabulary has no mask token, or the shares are out of range.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, corrupt
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=9, special_ids=(0, 1), mask_id=1), tf.constant([[2, 3, 4, 0]])
    >>> corrupt(ids, ids == 3, tf.range(4)[None], table, RowDraws(0, 0, 1), mask_share=1.0, random_share=0.0).numpy()
    array([[2, 1, 4, 0]], dtype=int32)

    Reference: BERT, arXiv 1810.04805, section 3.1 (80 %, 10 %, 10 %).
    """
    if table.mask_id is None and mask_share > 0:
        raise ValueError("`table` must have a mask token. Received: mask_id=None")
    if not (mask_share >= 0 and random_share >= 0 and mask_share + random_share <= 1):
        raise ValueError(
            "`mask_share` and `random_share` must be in [0, 1], and so must their sum. "
            f"Received: mask_share={mask_share}, random_share={random_share}"
        )
    length = length_of(token_ids)
    draw = tf.gather(rng.uniform("fate", shape=(length,)), group, batch_dims=1)
    others = table.ordinary(rng.integers("replacement", 0, table.ordinary_count, shape=(length,)))
    hidden = tf.where(draw < mask_share, table.mask_id or 0, others)
    return tf.where(chosen & (draw < mask_share + random_share), hidden, token_ids)


def length_of(token_ids):
    """Pieces in a row: a Python int where it is known before the step runs, else a scalar tensor."""
    return tf.shape(token_ids)[1] if token_ids.shape[1] is None else token_ids.shape[1]
