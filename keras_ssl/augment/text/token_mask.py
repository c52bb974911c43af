"""Single pieces to be predicted."""

import keras
import tensorflow as tf

from keras_ssl.augment.text.corrupt import length_of, mask_count, most_chosen


@keras.saving.register_keras_serializable("keras_ssl")
class TokenMask:
    """Chooses pieces of each row at random, all with the same probability; special ones never.

    Formula:
        `min(maximum, max(1, round(rate * length)))` pieces of a row, see `mask_count`.

    Args:
        rate: float in (0, 1), the share of the pieces.
        maximum: int, the most pieces of a row, or None.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenMask, TokenTable
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=9, special_ids=(0, 1), mask_id=1), tf.constant([[2, 3, 4, 5, 6, 7, 0]])
    >>> chosen, _ = TokenMask(rate=0.5)(ids, table, RowDraws(seed=0, step=0, rows=1))
    >>> int(tf.reduce_sum(tf.cast(chosen, "int32"))), bool(chosen[0, -1])
    (3, False)

    Reference: BERT, arXiv 1810.04805, section 3.1.
    """

    def __init__(self, rate=0.15, maximum=None):
        if not 0 < rate < 1:
            raise ValueError(f"`rate` must be in (0, 1). Received: rate={rate}")
        if maximum is not None and maximum < 1:
            raise ValueError(f"`maximum` must be at least 1, or None. Received: maximum={maximum}")
        self.rate = rate
        self.maximum = maximum

    def __call__(self, token_ids, table, rng, word_ids=None):
        """Chooses.

        Args:
            token_ids: int32 Tensor of shape `(rows, length)`.
            table: `TokenTable`.
            rng: `keras_ssl.random.RowDraws`.
            word_ids: int32 Tensor of the same shape, the number of the word of each piece, -1 for none; None for those
                of the table.

        Returns:
            Pair of the choice, bool of shape `(rows, length)`, and the group of each piece, int32 of the same shape, by
            which `corrupt` draws.
        """
        length = length_of(token_ids)
        maskable = ~table.is_special(token_ids)
        draw = tf.where(maskable, rng.uniform("pieces", shape=(length,)), 2.0)
        count = mask_count(token_ids, table, self.rate, self.maximum)
        return maskable & lowest(draw, count, self.most(length)), each_its_own(token_ids)

    def most(self, length):
        """The most pieces that are chosen in a row of this length: an int if `length` is one, else a scalar tensor."""
        return most_chosen(length, self.rate, self.maximum)

    def get_config(self):
        """The arguments."""
        return {"rate": self.rate, "maximum": self.maximum}

    @classmethod
    def from_config(cls, config):
        """Makes the sampler from `get_config`."""
        return cls(**config)


def lowest(values, count, most):
    """The lowest values of each row: `ranks(values) < count`, sooner where `most` is small.

    Args:
        values: float32 Tensor of shape `(rows, length)`.
        count: int32 Tensor of shape `(rows,)`, how many of each row.
        most: int or int32 scalar, at least the largest of them, at most `length`.

    Returns:
        bool Tensor of shape `(rows, length)`.
    """
    found = tf.math.top_k(-values, most).indices  # of equals the first one comes first
    taken = tf.cast(tf.range(most) < count[:, None], "int32")
    rows, length = tf.shape(values)[0], length_of(values)
    places = found + length * tf.range(rows)[:, None]
    chosen = tf.scatter_nd(tf.reshape(places, [-1, 1]), tf.reshape(taken, [-1]), [rows * length])
    return tf.reshape(chosen, (-1, length)) > 0


def ranks(values):
    """The place of each value among its row's in rising order: int32."""
    return tf.argsort(tf.argsort(values, axis=1, stable=True), axis=1, stable=True)


def each_its_own(token_ids):
    """A group for each piece: int32 Tensor of shape `(rows, length)`."""
    return tf.zeros_like(token_ids, "int32") + tf.range(length_of(token_ids), dtype="int32")
