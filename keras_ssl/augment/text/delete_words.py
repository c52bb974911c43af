"""Texts with some of their words."""

import tensorflow as tf

from keras_ssl.augment.text.close_gaps import close_gaps
from keras_ssl.augment.text.corrupt import length_of
from keras_ssl.augment.text.words_of import words_of


def delete_words(token_ids, table, rng, rate=0.6, word_ids=None):
    """Deletes each word with the same probability; one word at least is kept. Special ids stay.

    Where all words would go, the one with the largest draw stays, which is any of them with the same probability.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        table: `TokenTable`.
        rng: `keras_ssl.random.RowDraws`.
        rate: float in [0, 1], the probability.
        word_ids: int32 Tensor of the same shape, the number of the word of each piece, -1 for none; None for those of
            the table.

    Returns:
        int32 Tensor of the same shape: what is left, and padding behind it.

    Raises:
        ValueError: If the rate is out of range.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, delete_words
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=9, special_ids=(0, 1)), tf.constant([[1, 5, 6, 7, 0]])
    >>> left = delete_words(ids, table, RowDraws(seed=0, step=0, rows=1), rate=1.0)[0].numpy()
    >>> int(left[0]), int(left[1]) in (5, 6, 7), left[2:]
    (1, True, array([0, 0, 0], dtype=int32))

    Reference: TSDAE, arXiv 2104.06979, section 3 and the code of sentence-transformers.
    """
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must be in [0, 1]. Received: rate={rate}")
    length = length_of(token_ids)
    words = words_of(token_ids, table, word_ids)
    draw = tf.gather(rng.uniform("words", shape=(length,)), tf.maximum(words, 0), batch_dims=1)
    draw = tf.where(words < 0, -1.0, draw)
    stays = draw >= tf.minimum(tf.reduce_max(draw, axis=1, keepdims=True), rate)
    kept = tf.where(words < 0, token_ids != table.pad_id, stays)
    return close_gaps(token_ids, kept, length, table.pad_id)
