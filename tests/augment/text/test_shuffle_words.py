import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import ShuffleWords, TokenTable
from keras_ssl.random import RowDraws


def draws(rows, replica=0, replicas=1):
    return RowDraws(seed=3, step=5, rows=rows, replica=replica, replicas=replicas)


def shuffled(rows, table, **options):
    return ShuffleWords(**options)(tf.constant(rows), table, draws(len(rows))).numpy()


def test_pieces_stay_together_and_special_ids_stay_where_they_are(table, sentences):
    origin = shuffled(sentences, table)
    words = table.word_ids(tf.constant(sentences)).numpy()
    places = np.arange(128)
    for row, now, before in zip(sentences, origin, words, strict=True):
        assert sorted(now) == places.tolist()
        special = np.isin(row, table.special_ids)
        np.testing.assert_array_equal(now[special], places[special])
        # Within a word each piece follows the one that it followed.
        inner = (before[1:] == before[:-1]) & (before[1:] >= 0)
        followed = dict(zip(now[1:], now[:-1], strict=True))
        assert all(followed[place] == place - 1 for place in places[1:][inner])


def test_no_word_passes_a_special_id(table):
    row = np.array([[1, 7, 8, 10, 2, 11, 13, 14, 16, 2, 0]], "int32")
    origin = ShuffleWords()(tf.constant(np.repeat(row, 50, 0)), table, draws(50)).numpy()
    assert all(set(now[1:4]) == {1, 2, 3} and set(now[5:9]) == {5, 6, 7, 8} for now in origin)
    assert len({tuple(now) for now in origin}) > 10


def test_every_order_is_as_likely():
    """Three words: six orders."""
    origin = shuffled(np.tile([[3, 4, 5]], (6000, 1)), TokenTable(9, (0,)))
    counts = np.unique(origin, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert abs(counts - 1000).max() < 4 * np.sqrt(1000)


def test_words_stay_in_their_window_and_a_share_of_windows_as_it_was():
    rows = np.tile(np.arange(3, 33), (500, 1)).astype("int32")
    origin = shuffled(rows, TokenTable(40, (0,)), window=3, share=0.25)
    windows = origin.reshape(500, 10, 3)
    assert (windows // 3 == np.arange(10)[:, None]).all()
    moved = (windows != np.arange(30).reshape(10, 3)).any(axis=2).mean()
    assert moved == pytest.approx(0.25 * 5 / 6, abs=4 * np.sqrt(0.25 / 5000))


def test_given_words_are_taken_in_the_place_of_the_tables(table):
    ids = np.tile([[1, 10, 11, 13, 14, 16, 17, 2]], (20, 1)).astype("int32")
    words = tf.constant(np.tile([[-1, 0, 0, 0, 1, 1, 1, -1]], (20, 1)), "int32")
    origin = ShuffleWords()(tf.constant(ids), table, draws(20), words).numpy()
    assert {tuple(now) for now in origin} == {(0, 1, 2, 3, 4, 5, 6, 7), (0, 4, 5, 6, 1, 2, 3, 7)}


def test_replicas_shuffle_as_one_batch_would(table, sentences):
    ids = tf.constant(sentences[:8])
    whole = ShuffleWords(window=4)(ids, table, draws(8))
    parts = [ShuffleWords(window=4)(ids[4 * i :][:4], table, draws(4, replica=i, replicas=2)) for i in range(2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_runs_in_tf_data_and_under_xla(table, sentences):
    shuffler = ShuffleWords(window=4, share=0.5)
    expected = shuffler(tf.constant(sentences[:4]), table, draws(4))
    compiled = tf.function(lambda ids: shuffler(ids, table, draws(4)), jit_compile=True)
    np.testing.assert_array_equal(compiled(tf.constant(sentences[:4])), expected)
    dataset = tf.data.Dataset.from_tensors(sentences[:4]).map(lambda ids: ids[:, : tf.shape(ids)[1]])
    np.testing.assert_array_equal(next(iter(dataset.map(lambda ids: shuffler(ids, table, draws(4))))), expected)


def test_comes_back_from_its_config():
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(ShuffleWords(3, 0.05)))
    assert again.get_config() == {"window": 3, "share": 0.05}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1}, "`window` must be at least 2, or None. Received: window=1"),
        ({"share": 0.0}, r"`share` must be in \(0, 1\]. Received: share=0.0"),
        ({"share": 1.5}, r"`share` must be in \(0, 1\]. Received: share=1.5"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ShuffleWords(**arguments)
