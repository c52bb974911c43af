"""Texts with one mask for a whole span."""

import math

import numpy as np
import tensorflow as tf

from keras_ssl.augment.text.close_gaps import close_gaps
from keras_ssl.augment.text.corrupt import length_of, most_chosen, places_of
from keras_ssl.augment.text.token_mask import ranks
from keras_ssl.augment.text.words_of import word_sizes, words_of


def text_infilling(token_ids, table, rng, rate=0.3, mean_span=3.0, word_ids=None):
    """Replaces spans of words by a single mask token each, and inserts some masks where nothing is missing.

    As in BART's code: lengths of spans are drawn until they have the share of the words, the last is cut; each span
    begins at a word of its own, drawn from all with the same probability, and does not go beyond the text. Spans that
    meet within one another become one, so that fewer words are hidden than the share. A span of length 0 is a mask
    that is put between any two tokens. Special ids stay where they are.

    NOTE: sentences are not permuted, and no mask becomes a random token, which BART's code can do besides. Inserted
    masks for which a row has no room are left out.

    Formula:
        `P(words = k) = mean**k * exp(-mean) / k!`, until there are `ceil(rate * words of the row)`.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        table: `TokenTable` with a mask token.
        rng: `keras_ssl.random.RowDraws`.
        rate: float in (0, 1), the share of the words.
        mean_span: float above 0, words of a span on average.
        word_ids: int32 Tensor of the same shape, the number of the word of each piece, -1 for none; None for those of
            the table.

    Returns:
        int32 Tensor of the same shape, padded.

    Raises:
        ValueError: If an argument is out of range, or the table has no mask token.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, text_infilling
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=99, special_ids=(0, 1), mask_id=1), tf.range(10, 30)[None, :]
    >>> found = text_infilling(ids, table, RowDraws(seed=0, step=0, rows=1)).numpy()
    >>> bool((found == 1).any()), bool(((found >= 10).sum() >= 14))
    (True, True)

    Reference: BART, arXiv 1910.13461, section 2.2, and `add_whole_word_mask` of fairseq's `DenoisingDataset`.
    """
    if table.mask_id is None:
        raise ValueError("`table` must have a mask token. Received: mask_id=None")
    if not 0 < rate < 1:
        raise ValueError(f"`rate` must be in (0, 1). Received: rate={rate}")
    if mean_span <= 0:
        raise ValueError(f"`mean_span` must be positive. Received: mean_span={mean_span}")
    length = length_of(token_ids)
    words = words_of(token_ids, table, word_ids)
    count = tf.reduce_max(words, axis=1, keepdims=True) + 1
    sizes, inserts = _spans(count, length, rng, rate, mean_span)
    hidden, begins = _cover(sizes, count, length, rng)

    word = tf.maximum(words, 0)
    new_word = words != tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    hidden = (words >= 0) & tf.gather(hidden, word, batch_dims=1)
    mask = (words >= 0) & new_word & tf.gather(begins, word, batch_dims=1)
    kept = (mask | ~hidden) & (token_ids != table.pad_id)
    short = close_gaps(tf.where(mask, table.mask_id, token_ids), kept, length, table.pad_id)
    return _insert(short, inserts, length, table, rng)


def _spans(count, length, rng, rate, mean_span):
    """The lengths of the spans of each row, int32 `(rows, draws)`, first those above 0; and how many were 0."""
    budget = tf.cast(tf.math.ceil(rate * tf.cast(count, "float64")), "int32")
    # Twice the words to hide on average, and never fewer draws than words: hardly ever is the sum of so many too small.
    draws = (most_chosen(length, rate) + 9) * max(1, math.ceil(2 / mean_span))
    drawn = tf.reshape(rng.uniform("sizes", shape=(draws,)), [-1])
    drawn = tf.reshape(tf.searchsorted(_cumulative(mean_span), drawn, side="right"), (-1, draws))
    left = budget - tf.cumsum(drawn, axis=1, exclusive=True)
    used = left > 0
    sizes = tf.where(used, tf.minimum(drawn, left), 0)
    inserts = tf.reduce_sum(tf.cast(used & (sizes == 0), "int32"), axis=1, keepdims=True)
    return tf.gather(sizes, places_of(sizes > 0, draws)[0], batch_dims=1), inserts


def _cover(sizes, count, length, rng):
    """Which words the spans hide, and at which of them a mask stands: two bool Tensors of shape `(rows, length)`."""
    word = tf.range(length, dtype="int32")[None, :]
    rank = ranks(tf.where(word < count, rng.uniform("starts", shape=(length,)), 2.0))
    last = tf.shape(sizes)[1] - 1
    size = tf.where(rank <= last, tf.gather(sizes, tf.minimum(rank, last), batch_dims=1), 0)
    starts, end = size > 0, word + size
    ends = word_sizes(tf.where(starts & (end < length), end, -1))  # how many end in front of each word
    over = tf.cumsum(tf.cast(starts, "int32") - ends, axis=1)
    return over > 0, starts & (over == 1)


def _insert(token_ids, inserts, length, table, rng):
    """Masks at random places between start and end."""
    total = tf.reduce_sum(tf.cast(token_ids != table.pad_id, "int32"), axis=1, keepdims=True)
    inserts = tf.minimum(inserts, length - total)
    place = tf.range(length, dtype="int32")[None, :]
    free = (place >= int(table.start_id is not None)) & (place < total + inserts - int(table.end_id is not None))
    mask = ranks(tf.where(free, rng.uniform("inserts", shape=(length,)), 2.0)) < inserts
    source = tf.maximum(place - tf.cumsum(tf.cast(mask, "int32"), axis=1), 0)
    return tf.where(mask, table.mask_id, tf.gather(token_ids, source, batch_dims=1))


def _cumulative(mean):
    """Of the Poisson distribution, as far as float32 tells it from 1."""
    chances = [math.exp(-mean)]
    while len(chances) <= mean or chances[-1] >= 1e-7:
        chances.append(chances[-1] * mean / len(chances))
    return tf.constant(np.cumsum(chances) / np.sum(chances), "float32")
