"""The word that each piece belongs to."""

import tensorflow as tf

from keras_ssl.augment.text.corrupt import length_of


def words_of(token_ids, table, word_ids=None):
    """The number of the word of each piece, from 0 in each row and without a gap; -1 for special ids.

    A given word of special ids alone, such as one that the vocabulary does not know, is none, and those behind it move
    up: else it could be drawn, and nothing would be there to be hidden.

    Args:
        token_ids: int32 Tensor of shape `(rows, length)`.
        table: `TokenTable`.
        word_ids: int Tensor of the same shape, the number of the word of each piece, in [0, length), -1 for none; None
            for those of the table.

    Returns:
        int32 Tensor of the same shape.
    """
    if word_ids is None:
        return table.word_ids(token_ids)
    words = tf.where(table.is_special(token_ids), -1, tf.cast(word_ids, "int32"))
    numbers = tf.cumsum(tf.cast(word_sizes(words) > 0, "int32"), axis=1) - 1
    return tf.where(words < 0, -1, tf.gather(numbers, tf.maximum(words, 0), batch_dims=1))


def word_sizes(words):
    """Pieces of each word of each row.

    Args:
        words: int32 Tensor of shape `(rows, length)`, numbers of words in [0, length), -1 for none.

    Returns:
        int32 Tensor of the same shape: entry `w` is the size of word `w`.
    """
    rows, length = tf.shape(words)[0], length_of(words)
    places = tf.where(words >= 0, words + length * tf.range(rows)[:, None], -1)
    sizes = tf.math.unsorted_segment_sum(tf.ones_like(tf.reshape(words, [-1])), tf.reshape(places, [-1]), rows * length)
    return tf.reshape(sizes, tf.shape(words))
