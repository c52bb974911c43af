"""Whole words to be predicted."""

import keras
import tensorflow as tf

from keras_ssl.augment.text.corrupt import length_of, mask_count
from keras_ssl.augment.text.token_mask import TokenMask, each_its_own
from keras_ssl.augment.text.words_of import word_sizes, words_of


@keras.saving.register_keras_serializable("keras_ssl")
class WholeWordMask(TokenMask):
    """Chooses words at random, with all of their pieces, until the share is reached.

    Words come in a random order; one that would go beyond the number of pieces is passed over, as in BERT's code. If
    not a single one fits, the first is chosen as far as it fits, so that no row is without.

    Its arguments are those of `TokenMask`: `rate` and `maximum` count pieces. Words are those of the table, or given as
    `word_ids`, for instance by a segmenter of Chinese, which has no marks between words.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, WholeWordMask
    >>> from keras_ssl.random import RowDraws
    >>> table = TokenTable(size=9, special_ids=(0, 1), mask_id=1, continues=[0, 0, 0, 1, 0, 1, 0, 1, 0])
    >>> ids = tf.constant([[2, 3, 4, 5, 6, 7]])  # three words of two pieces
    >>> chosen, _ = WholeWordMask(rate=0.34)(ids, table, RowDraws(seed=0, step=0, rows=1))
    >>> pairs = tf.reshape(chosen, (3, 2)).numpy()
    >>> int(pairs.sum()), bool((pairs[:, 0] == pairs[:, 1]).all())
    (2, True)

    Reference: BERT's code of May 2019; for Chinese, arXiv 1906.08101.
    """

    def __call__(self, token_ids, table, rng, word_ids=None):
        length = length_of(token_ids)
        words = words_of(token_ids, table, word_ids)
        sizes = word_sizes(words)
        order = tf.argsort(tf.where(sizes > 0, rng.uniform("words", shape=(length,)), 2.0), axis=1, stable=True)
        count = mask_count(token_ids, table, self.rate, self.maximum)
        in_order = tf.transpose(tf.gather(sizes, order, batch_dims=1))
        used = tf.scan(
            lambda used, size: tf.where(used + size <= count, used + size, used), in_order, tf.zeros_like(count)
        )
        taken = tf.transpose(used > tf.pad(used[:-1], [[1, 0], [0, 0]]))
        none = ~tf.reduce_any(taken, axis=1, keepdims=True)
        first = tf.range(length, dtype="int32")[None, :] == 0
        taken = taken | (none & first & (sizes[:, :1] > 0))
        by_word = tf.gather(taken, tf.argsort(order, axis=1, stable=True), batch_dims=1)
        chosen = tf.gather(by_word, tf.maximum(words, 0), batch_dims=1) & (words >= 0)
        within = tf.cumsum(tf.cast(chosen, "int32"), axis=1) <= count[:, None]
        return chosen & within, each_its_own(token_ids)
