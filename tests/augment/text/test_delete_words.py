import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import delete_words
from keras_ssl.random import RowDraws


def draws(rows):
    return RowDraws(seed=3, step=5, rows=rows)


def left_of(rows, table, **options):
    return delete_words(tf.constant(rows), table, draws(len(rows)), **options).numpy()


@pytest.mark.parametrize("rate", [0.6, 0.95])
def test_words_are_deleted_by_the_rule(table, sentences, rate):
    """Row by row: a word goes if its draw is below the rate; if all go, the one with the largest draw stays."""
    found = left_of(sentences, table, rate=rate)
    uniform = draws(len(sentences)).uniform("words", shape=(128,)).numpy()
    words, total, gone = table.word_ids(tf.constant(sentences)).numpy(), 0, 0
    for row, numbers, draw, left in zip(sentences, words, uniform, found, strict=True):
        count = numbers.max() + 1
        stay = [word for word in range(count) if draw[word] >= rate]
        stay = stay or ([int(np.argmax(draw[:count]))] if count else [])
        expected = row[np.isin(numbers, stay) | np.isin(row, (1, 2, 3, 4))]
        assert left[left != 0].tolist() == expected.tolist()
        assert (left[: len(expected)] != 0).all()
        total, gone = total + count, gone + count - len(stay)
    assert (sentences != 0).sum() > 90_000
    assert gone / total == pytest.approx(rate, abs=0.03)


def test_the_one_word_that_stays_is_any_of_them(table):
    rows = np.tile(np.array([[1, 10, 11, 13, 14, 2]], "int32"), (4000, 1))
    found = left_of(rows, table, rate=1.0)
    assert (found[:, 0] == 1).all()
    assert (found[:, 2] == 2).all()
    counts = np.unique(found[:, 1], return_counts=True)[1]
    assert len(counts) == 4
    np.testing.assert_allclose(counts / 4000, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / 4000))


def test_at_rate_0_nothing_goes(table, sentences):
    np.testing.assert_array_equal(left_of(sentences, table, rate=0.0), sentences)


def test_given_words_go_whole(table):
    rows = np.tile(np.array([[1, 10, 11, 13, 14, 2]], "int32"), (200, 1))
    words = np.tile(np.array([[-1, 0, 0, 1, 1, -1]], "int32"), (200, 1))
    found = left_of(rows, table, word_ids=tf.constant(words))
    wanted = {(1, 10, 11, 2, 0, 0), (1, 13, 14, 2, 0, 0), (1, 10, 11, 13, 14, 2)}
    assert {tuple(row) for row in found.tolist()} == wanted


def test_rows_of_nothing_but_special_ids_stay(table):
    rows = np.array([[1, 2, 0], [0, 0, 0]], "int32")
    np.testing.assert_array_equal(left_of(rows, table), rows)


def test_refuses(table):
    with pytest.raises(ValueError, match=r"`rate` must be in \[0, 1\]. Received: rate=1.5"):
        left_of(np.array([[5, 6]], "int32"), table, rate=1.5)
