import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def info_nce_oracle(queries, keys, temperature, negatives=None, candidates=None, excluded=None):
    """Equation 1 of MoCo, query by query; without a queue, the keys of the other rows are the negatives."""
    queries, keys = unit(queries), unit(keys)
    rows = keys if candidates is None else unit(candidates)
    total = 0.0
    for i, query in enumerate(queries):
        out = {i} if excluded is None else {i, *np.flatnonzero(excluded[i])}
        others = [row for j, row in enumerate(rows) if j not in out] if negatives is None else unit(negatives)
        positive = np.exp(np.dot(query, keys[i]) / temperature)
        total -= np.log(positive / (positive + sum(np.exp(np.dot(query, other) / temperature) for other in others)))
    return total / len(queries)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 2.0])
def test_equals_the_formula_with_the_other_rows_as_negatives(rng, temperature):
    arguments = {"queries": rng.normal(size=(6, 4)), "keys": rng.normal(size=(6, 4)), "temperature": temperature}
    testing.run_loss_test(losses.info_nce, info_nce_oracle, arguments)


@pytest.mark.parametrize("temperature", [0.05, 0.2, 2.0])
def test_equals_the_formula_with_a_queue(rng, temperature):
    queries, keys, negatives = (rng.normal(size=(rows, 4)) for rows in (6, 6, 9))
    arguments = {"queries": queries, "keys": keys, "negatives": negatives, "temperature": temperature}
    testing.run_loss_test(losses.info_nce, info_nce_oracle, arguments)


def test_equals_the_formula_without_what_is_excluded(rng):
    """A query's own key stays, whatever is said of it."""
    queries, keys, hard = (rng.normal(size=(rows, 4)) for rows in (6, 6, 3))
    excluded = rng.random((6, 9)) < 0.4
    excluded[0, 0] = excluded[1, 2] = excluded[5, 8] = True
    arguments = {"queries": queries, "keys": keys, "temperature": 0.2, "excluded": excluded}
    testing.run_loss_test(losses.info_nce, info_nce_oracle, {**arguments, "candidates": np.concatenate([keys, hard])})


def test_of_a_queue_something_is_excluded_too(rng):
    queries, keys, negatives = (rng.normal(size=(rows, 4)) for rows in (6, 6, 5))
    excluded = np.zeros((6, 6), bool)
    excluded[:, [0, 2]] = True  # the first column is the query's own key
    found = losses.info_nce(queries, keys, negatives, excluded=excluded)
    assert float(found) == pytest.approx(info_nce_oracle(queries, keys, 0.2, negatives[[0, 2, 3, 4]]), rel=1e-5)


def test_of_indistinguishable_rows_is_the_log_of_the_candidates():
    z = np.ones((4, 3), "float32")
    assert float(losses.info_nce(z, z)) == pytest.approx(np.log(4), abs=1e-6)
    assert float(losses.info_nce(z, z, np.ones((7, 3), "float32"))) == pytest.approx(np.log(8), abs=1e-6)


def test_the_other_way_is_another_loss(rng):
    """It looks one way: each query among all keys."""
    queries, keys = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    assert abs(float(losses.info_nce(queries, keys)) - float(losses.info_nce(keys, queries))) > 1e-2


def test_two_replicas_average_to_the_whole_batch(rng):
    queries, keys = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    parts = [losses.info_nce(queries[i : i + 3], keys[i : i + 3], candidates=keys, offset=i) for i in (0, 3)]
    assert np.mean(parts) == pytest.approx(float(losses.info_nce(queries, keys)), abs=1e-6)


def test_candidates_may_have_a_shape_that_is_known_only_when_run(rng):
    queries, keys = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    unknown = tf.TensorSpec((None, None), "float32")  # as `distribution.gather` gives it
    loss = tf.function(lambda every: losses.info_nce(queries, keys, candidates=every), input_signature=[unknown])
    assert float(loss(keys)) == pytest.approx(float(losses.info_nce(queries, keys)), abs=1e-6)


def test_logits_name_the_column_of_the_positive(rng):
    queries, keys = (rng.normal(size=(3, 4)).astype("float32") for _ in range(2))
    logits, positives = losses.info_nce_logits(queries, keys, rng.normal(size=(5, 4)), 0.5)
    assert logits.shape == (3, 6)
    assert np.asarray(positives).tolist() == [0, 0, 0]
    np.testing.assert_allclose(logits[:, 0], np.sum(unit(queries) * unit(keys), axis=1) / 0.5, rtol=1e-5)
    logits, positives = losses.info_nce_logits(queries[1:], keys[1:], candidates=keys, offset=1)
    assert logits.shape == (2, 3)
    assert np.asarray(positives).tolist() == [1, 2]


def test_keys_and_negatives_get_gradients_too(rng):
    tensors = [tf.constant(rng.normal(size=(3, 4)), "float32") for _ in range(3)]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        loss = losses.info_nce(*tensors)
    assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(loss, tensors))


ROWS = np.ones((2, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be positive.*temperature=0.0"),
        ({"keys": np.ones((3, 3))}, r"`queries` and `keys` must both have the shape.*\(3, 3\)"),
        ({"negatives": np.ones((4, 2))}, r"`negatives` must have the shape \(rows, 3\).*\(4, 2\)"),
        ({"candidates": np.ones((4, 2))}, r"`candidates` must have the shape \(rows, 3\).*\(4, 2\)"),
        ({"negatives": ROWS, "candidates": ROWS}, "`candidates` must be None where there are negatives.*both"),
        ({"queries": ROWS[:1], "keys": ROWS[:1]}, "at least two rows.*Received: 1 row"),
        ({"excluded": np.ones((2, 3), bool)}, r"`excluded` must have the shape of the logits, \(2, 2\).*\(2, 3\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.info_nce(**{"queries": ROWS, "keys": ROWS, **arguments})
