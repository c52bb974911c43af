import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import SpanMask, TokenTable, WholeWordMask, text_infilling
from keras_ssl.augment.text.words_of import words_of
from keras_ssl.random import RowDraws

BEGIN, END, MASK, UNKNOWN = 1, 2, 3, 4


def repeated(row):
    return tf.constant(np.tile([row], (2000, 1)), "int32")


def draws(rows):
    return RowDraws(seed=3, step=5, rows=len(rows))


def test_words_of_special_ids_alone_are_none(table):
    ids = tf.constant([[BEGIN, UNKNOWN, 10, 11, UNKNOWN, 13, END, 0], [BEGIN, 10, UNKNOWN, 11, 13, 14, END, 0]])
    words = np.array([[-1, 0, 1, 1, 2, 3, -1, -1], [-1, 0, 0, 0, 1, 1, -1, -1]])
    expected = [[-1, -1, 0, 0, -1, 1, -1, -1], [-1, 0, -1, 0, 1, 1, -1, -1]]
    assert words_of(ids, table, words).numpy().tolist() == expected


def test_without_given_words_they_are_the_tables(table, sentences):
    np.testing.assert_array_equal(words_of(tf.constant(sentences), table), table.word_ids(tf.constant(sentences)))


def test_a_first_word_that_is_unknown_leaves_no_row_without_a_mask(table):
    """No word fits into the one piece that is wanted: as in BERT's code one is chosen as far as it fits."""
    ids, words = repeated([BEGIN, UNKNOWN, 10, 11, 13, 14, END]), repeated([-1, 0, 1, 1, 2, 2, -1])
    chosen, _ = WholeWordMask()(ids, table, draws(ids), words)
    assert (chosen.numpy().sum(axis=1) == 1).all()


def test_many_words_that_are_unknown_leave_no_row_without_a_span(table):
    ids, words = repeated([BEGIN, *[UNKNOWN] * 8, 13, END]), repeated([-1, *range(9), -1])
    chosen, _ = SpanMask()(ids, table, draws(ids), words)
    assert chosen.numpy()[:, 9].all()


def test_no_word_is_hidden_without_a_mask(table):
    framed = TokenTable.from_config({**table.get_config(), "start_id": BEGIN, "end_id": END})
    ids, words = repeated([BEGIN, UNKNOWN, 10, 11, 13, 14, END]), repeated([-1, 0, 1, 1, 2, 2, -1])
    found = text_infilling(ids, framed, draws(ids), word_ids=words).numpy()
    assert (found == MASK).any(axis=1).all()


@pytest.mark.parametrize("sampler", [WholeWordMask(0.4), SpanMask(0.4)])
def test_words_may_be_numbers_of_64_bits(table, sampler):
    """As NumPy makes them."""
    ids, words = repeated([BEGIN, 10, 11, 13, 14, END]), repeated([-1, 0, 0, 1, 1, -1])
    expected, _ = sampler(ids, table, draws(ids), words)
    np.testing.assert_array_equal(sampler(ids, table, draws(ids), tf.cast(words, "int64"))[0], expected)
