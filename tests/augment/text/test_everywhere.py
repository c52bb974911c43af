"""What takes words out of texts gives the same wherever it runs."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable, delete_words, span_corruption, text_infilling
from keras_ssl.random import RowDraws

SENTINELS = tuple(range(299, 199, -1))
FUNCTIONS = {
    "delete_words": delete_words,
    "span_corruption": lambda *arguments: span_corruption(*arguments, SENTINELS),
    "rolled": lambda *arguments: span_corruption(*arguments, SENTINELS, rate=0.4, roll=True),
    "text_infilling": text_infilling,
}
every_function = pytest.mark.parametrize("name", FUNCTIONS)


@pytest.fixture(scope="module")
def framed(table):
    return TokenTable.from_config({**table.get_config(), "start_id": 1, "end_id": 2})


def run(name, ids, table, rows, replica=0, replicas=1):
    found = FUNCTIONS[name](ids, table, RowDraws(seed=3, step=5, rows=rows, replica=replica, replicas=replicas))
    return tf.nest.flatten(found)


@every_function
def test_replicas_get_what_one_batch_would(framed, sentences, name):
    ids = tf.constant(sentences[:8])
    halves = [run(name, ids[4 * half :][:4], framed, 4, half, 2) for half in range(2)]
    for whole, *parts in zip(run(name, ids, framed, 8), *halves, strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(parts))


@every_function
def test_runs_in_tf_data_with_rows_of_any_length(framed, sentences, name):
    def cut(ids):
        return ids[:, : tf.reduce_max(tf.reduce_sum(tf.cast(ids != 0, "int32"), axis=1))]

    some = sentences[(sentences != 0).sum(axis=1) < 50][:20]
    data = tf.data.Dataset.from_tensors(some).map(cut)
    assert next(iter(data)).shape[1] < 50
    found = next(iter(data.map(lambda ids: tuple(run(name, ids, framed, len(some))))))
    expected = run(name, tf.constant(next(iter(data)).numpy()), framed, len(some))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@every_function
def test_compiles_under_xla(framed, sentences, name):
    ids = tf.constant(sentences[:4])
    compiled = tf.function(lambda ids: run(name, ids, framed, 4), jit_compile=True)
    for one, other in zip(compiled(ids), run(name, ids, framed, 4), strict=True):
        np.testing.assert_array_equal(one, other)
