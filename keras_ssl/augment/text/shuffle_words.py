"""Words in another order."""

import keras
import tensorflow as tf

from keras_ssl.augment.text.corrupt import length_of
from keras_ssl.augment.text.words_of import words_of


@keras.saving.register_keras_serializable("keras_ssl")
class ShuffleWords:
    """Draws a random order of the words within windows of each row.

    The pieces of a word stay together and in order. Special ids stay where they are, and no word passes one; so the
    sentences of a pair are shuffled each for itself.

    Args:
        window: int, words that are shuffled among one another, or None for all between two special ids.
        share: float in (0, 1], the share of windows that are shuffled, each by a draw of its own.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import ShuffleWords, TokenTable
    >>> from keras_ssl.random import RowDraws
    >>> table = TokenTable(size=9, special_ids=(0, 1), continues=[0, 0, 0, 1, 0, 0, 0, 0, 0])
    >>> ids = tf.constant([[1, 2, 3, 4, 5, 1, 0]])  # 3 continues 2
    >>> origin = ShuffleWords()(ids, table, RowDraws(seed=0, step=0, rows=1))
    >>> tf.gather(ids, origin, batch_dims=1).numpy().tolist()
    [[1, 5, 4, 2, 3, 1, 0]]

    Reference: StructBERT, arXiv 1908.04577, section 3.2, with windows of three words, a twentieth of them shuffled.
    """

    def __init__(self, window=None, share=1.0):
        if window is not None and window < 2:
            raise ValueError(f"`window` must be at least 2, or None. Received: window={window}")
        if not 0 < share <= 1:
            raise ValueError(f"`share` must be in (0, 1]. Received: share={share}")
        self.window = window
        self.share = share

    def __call__(self, token_ids, table, rng, word_ids=None):
        """Draws the order.

        Args:
            token_ids: int32 Tensor of shape `(rows, length)`.
            table: `TokenTable`.
            rng: `keras_ssl.random.RowDraws`.
            word_ids: int32 Tensor of the same shape, the number of the word of each piece, -1 for none; None for those
                of the table.

        Returns:
            int32 Tensor of the same shape: for each place the one that its piece comes from. `tf.gather(token_ids,
            origin, batch_dims=1)` is the shuffled text.
        """
        length = length_of(token_ids)
        words = words_of(token_ids, table, word_ids)
        before = tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
        begins = (words < 0) | (before < 0)
        if self.window is not None:
            begins |= words // self.window != before // self.window
        windows = tf.cumsum(tf.cast(begins, "int32"), axis=1) - 1
        place_in_order = tf.gather(rng.permutation("word_order", length), tf.maximum(words, 0), batch_dims=1)
        shuffled = tf.gather(rng.bernoulli("windows", self.share, shape=(length,)), windows, batch_dims=1)
        # Equal keys keep their order: so do the pieces of a word, and the words of a window that is left alone.
        key = windows * length + tf.where(shuffled, place_in_order, 0)
        return tf.argsort(key, axis=1, stable=True)

    def get_config(self):
        """The arguments."""
        return {"window": self.window, "share": self.share}

    @classmethod
    def from_config(cls, config):
        """Makes the shuffler from `get_config`."""
        return cls(**config)
