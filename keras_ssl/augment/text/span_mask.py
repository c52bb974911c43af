"""Spans of words to be predicted."""

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.augment.text.corrupt import length_of, mask_count
from keras_ssl.augment.text.token_mask import TokenMask, each_its_own
from keras_ssl.augment.text.words_of import words_of


@keras.saving.register_keras_serializable("keras_ssl")
class SpanMask(TokenMask):
    """Chooses runs of neighbouring words until the share of pieces is reached.

    The number of words in a run is geometric, the run begins at a word drawn from all with the same probability, and
    one that would overlap an earlier run is drawn anew. The last run is cut where the share is reached. Pieces of a run
    share one draw of `corrupt`, so that all are hidden, replaced or left.

    Formula:
        `P(words = l) = p * (1 - p)**(l - 1)`, `p = stop_probability`, for `l` from 1 to `longest`, scaled to sum 1: 3.8
        on average with the defaults.

    Args:
        rate: float in (0, 1), the share of the pieces.
        maximum: int, the most pieces of a row, or None.
        stop_probability: float in (0, 1), that a run ends after a word.
        longest: int, the most words of a run.

    Raises:
        ValueError: If an argument is out of range.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import SpanMask, TokenTable
    >>> from keras_ssl.random import RowDraws
    >>> table, ids = TokenTable(size=50, special_ids=(0, 1), mask_id=1), tf.range(2, 42)[None, :]
    >>> chosen, group = SpanMask(rate=0.25)(ids, table, RowDraws(seed=0, step=0, rows=1))
    >>> int(tf.reduce_sum(tf.cast(chosen, "int32")))
    10

    Reference: SpanBERT, arXiv 1907.10529, section 3.1.
    """

    def __init__(self, rate=0.15, maximum=None, stop_probability=0.2, longest=10):
        super().__init__(rate, maximum)
        if not 0 < stop_probability < 1:
            raise ValueError(f"`stop_probability` must be in (0, 1). Received: stop_probability={stop_probability}")
        if longest < 1:
            raise ValueError(f"`longest` must be at least 1. Received: longest={longest}")
        self.stop_probability = stop_probability
        self.longest = longest

    def __call__(self, token_ids, table, rng, word_ids=None):
        length = length_of(token_ids)
        words = words_of(token_ids, table, word_ids)
        budget = mask_count(token_ids, table, self.rate, self.maximum)
        # Twice as many tries as there can be runs: those that touch another are few at any usual share.
        tries = 2 * tf.cast(self.rate * tf.cast(length, "float32") + 1.0, "int32") + 8
        if isinstance(length, int):
            tries = 2 * int(self.rate * length + 1) + 8
        runs = 1 + tf.searchsorted(self._cumulative(), tf.reshape(rng.uniform("words", shape=(tries,)), [-1]), "right")
        runs = tf.reshape(runs, (-1, tries))
        count = tf.cast(tf.reduce_max(words, axis=1) + 1, "float32")[:, None]
        starts = tf.cast(rng.uniform("starts", shape=(tries,)) * count, "int32")

        def add(state, run):
            chosen, group, left = state
            number, start, size = run
            inside = (words >= start[:, None]) & (words < (start + size)[:, None])
            apart = ~tf.reduce_any(inside & chosen, axis=1, keepdims=True)
            within = tf.cumsum(tf.cast(inside, "int32"), axis=1) <= left[:, None]
            inside = inside & within & apart
            left = left - tf.reduce_sum(tf.cast(inside, "int32"), axis=1)
            return chosen | inside, tf.where(inside, number, group), left

        draws = tf.range(tries), tf.transpose(starts), tf.transpose(runs)
        nothing = tf.zeros_like(words, "bool"), each_its_own(token_ids), budget
        chosen, group, _ = tf.foldl(add, draws, nothing)
        return chosen, tf.minimum(group, length - 1)

    def _cumulative(self):
        weights = (1.0 - self.stop_probability) ** np.arange(self.longest)
        return tf.constant(np.cumsum(weights / weights.sum())[:-1], "float32")

    def get_config(self):
        """The arguments."""
        return {**super().get_config(), "stop_probability": self.stop_probability, "longest": self.longest}
