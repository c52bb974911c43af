"""Texts with spans taken out, and these spans."""

import tensorflow as tf

from keras_ssl.augment.text.close_gaps import close_gaps
from keras_ssl.augment.text.corrupt import length_of, most_chosen
from keras_ssl.augment.text.token_mask import ranks


def span_corruption(token_ids, table, rng, sentinel_ids, rate=0.15, mean_span=3.0, roll=False):
    """Takes spans out of each row, a sentinel of its own in the place of each; the target is what was taken out.

    `a b c d e f g </s>` becomes `a <0> d e <1> </s>`, with the target `<0> b c <1> f g </s>`: each span behind its
    sentinel, then the end token. Special ids are never taken out; one within a span stays behind the sentinel.

    Lengths of spans and of what is between them are drawn as T5's code does, each way to part the pieces with the same
    probability. It begins each text with what stays, and so ends each with a span: where there is one span alone, in
    texts of up to 30 pieces, it is always the last pieces. `roll` turns the choice around by a random number of pieces,
    as later versions of that code do, so that every piece is as likely; a span may then be cut in two.

    NOTE: figure 2 of the paper ends the target with one more sentinel; its code, and this, has none.

    Formula:
        `noise = min(max(1, round(rate * n)), n - 1)` of n pieces, `spans = max(1, round(noise / mean_span))`, at most
        as many as there are sentinels; a row of one piece stays as it is.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        table: `TokenTable` with an end token.
        rng: `keras_ssl.random.RowDraws`.
        sentinel_ids: ints, in the order in which spans get them; T5's are 32,099, 32,098, ...
        rate: float in (0, 1), the share of the pieces.
        mean_span: float, at least 1, pieces of a span on average.
        roll: bool, see above.

    Returns:
        Pair of int32 Tensors, padded: the text of shape `(rows, length)`, and the target of shape
        `(rows, most pieces + most spans + 1)`, one more with `roll`; nothing but padding for a row that stays as it is.

    Raises:
        ValueError: If an argument is out of range, or the table has no end token.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, span_corruption
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=20, special_ids=(0, 1), end_id=1), tf.constant([[11, 12, 13, 14, 1, 0]])
    >>> left, target = span_corruption(ids, table, RowDraws(0, 0, rows=1), sentinel_ids=(99, 98), rate=0.5)
    >>> left.numpy().tolist(), target.numpy().tolist()
    ([[11, 12, 99, 1, 0, 0]], [[99, 13, 14, 1, 0]])

    Reference: T5, arXiv 1910.10683, section 3.1.4, and `random_spans_noise_mask` of its code.
    """
    _check(table, sentinel_ids, rate, mean_span, roll)
    length = length_of(token_ids)
    text = ~table.is_special(token_ids)
    pieces = tf.reduce_sum(tf.cast(text, "int32"), axis=1)
    cut = int(roll)  # a span that is cut in two needs one more sentinel
    limit = len(sentinel_ids) - cut
    noise = tf.minimum(most_chosen(pieces, rate), tf.maximum(pieces - 1, 0))
    spans = tf.minimum(most_chosen(noise, 1 / mean_span, limit), pieces - noise)
    taken = _noise_mask(pieces, noise, spans, length, rng, roll)
    first = taken & ~tf.pad(taken[:, :-1], [[0, 0], [1, 0]])
    # So far pieces were numbered without special ids; now to their places.
    number = tf.maximum(tf.cumsum(tf.cast(text, "int32"), axis=1) - 1, 0)
    taken, first = (text & tf.gather(one, number, batch_dims=1) for one in (taken, first))
    span = tf.maximum(tf.cumsum(tf.cast(first, "int32"), axis=1) - 1, 0)
    sentinels = tf.gather(tf.constant(sentinel_ids, "int32"), span)

    kept = (first | ~taken) & (token_ids != table.pad_id)
    left = close_gaps(tf.where(first, sentinels, token_ids), kept, length, table.pad_id)
    # Each piece with room for a sentinel in front, and the end token behind them all.
    spread = tf.reshape(tf.stack([sentinels, token_ids], axis=2), (-1, 2 * length))
    kept = tf.reshape(tf.stack([first, taken], axis=2), (-1, 2 * length))
    spread = tf.pad(spread, [[0, 0], [0, 1 + cut]], constant_values=table.end_id)
    kept = tf.concat([kept, tf.reduce_any(taken, axis=1, keepdims=True)], axis=1)
    most = most_chosen(length, rate)
    longest = most + most_chosen(most, 1 / mean_span, limit) + cut + 1
    return left, close_gaps(spread, tf.pad(kept, [[0, 0], [0, cut]]), longest, table.pad_id)


def _noise_mask(pieces, noise, spans, length, rng, roll):
    """For the first, second, ... piece of each row whether it is taken out: bool Tensor of shape `(rows, length)`."""
    pieces, noise, spans = pieces[:, None], noise[:, None], spans[:, None]
    slot = tf.range(length, dtype="int32")[None, :]
    # All that stays is laid in front, all that goes behind it; both are cut into as many parts, at drawn places.
    stays = pieces - noise
    draw = rng.uniform("cuts", shape=(length,))

    def parts(cuttable):
        return tf.cumsum(tf.cast(ranks(tf.where(cuttable, draw, 2.0)) < spans - 1, "int32"), axis=1)

    # Sorting by part, and in it by what stays and what goes, puts the parts of one kind between those of the other.
    staying, going = parts((slot > 0) & (slot < stays)), parts((stays < slot) & (slot < pieces))
    key = tf.where(slot < stays, 2 * staying, 2 * going + 1)
    taken = tf.sort(tf.where(slot < pieces, key, 2 * length), axis=1) % 2 == 1
    if roll:
        offset = tf.cast(rng.uniform("offset", shape=(1,)) * tf.cast(pieces, "float32"), "int32")
        taken = tf.gather(taken, tf.math.floormod(slot - offset, tf.maximum(pieces, 1)), batch_dims=1)
        taken &= slot < pieces
    return taken


def _check(table, sentinel_ids, rate, mean_span, roll):
    if table.end_id is None:
        raise ValueError("`table` must have an end token, which ends a target. Received: end_id=None")
    if not 0 < rate < 1:
        raise ValueError(f"`rate` must be in (0, 1). Received: rate={rate}")
    if mean_span < 1:
        raise ValueError(f"`mean_span` must be at least 1. Received: mean_span={mean_span}")
    if len(sentinel_ids) <= roll:
        raise ValueError(
            f"`sentinel_ids` must have more than {int(roll)} entries. Received: sentinel_ids={tuple(sentinel_ids)}"
        )
