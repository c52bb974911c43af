import keras
import numpy as np
import pytest

from keras_ssl import layers


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_the_oldest_make_room_and_what_enters_is_normalised(rng):
    queue = layers.FeatureQueue(size=5, dim=3)
    random = queue.features_now().numpy()
    first, second = rng.normal(size=(3, 3)), rng.normal(size=(4, 3))
    queue.enqueue(first, stepped=True)
    np.testing.assert_allclose(queue.features_now()[:3], unit(first), atol=1e-6)
    np.testing.assert_array_equal(queue.features_now()[3:], random[3:])
    assert not bool(queue.filled())
    queue.enqueue(second, stepped=True)  # rows 3, 4, 0, 1
    np.testing.assert_allclose(queue.features_now(), unit(np.stack([*second[2:], first[2], *second[:2]])), atol=1e-6)
    assert bool(queue.filled())


def test_it_stands_still_where_no_step_was_made(rng):
    queue = layers.FeatureQueue(size=4, dim=2)
    before = [weight.numpy() for weight in queue.weights]
    queue.enqueue(rng.normal(size=(2, 2)), stepped=False)
    for old, weight in zip(before, queue.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())


def test_random_directions_are_unit_vectors_from_the_seed():
    first, same, other = (layers.FeatureQueue(size=8, dim=4, seed=seed).features_now().numpy() for seed in (1, 1, 2))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)


def test_nearest_is_by_cosine(rng):
    queue = layers.FeatureQueue(size=6, dim=3)
    queue.enqueue(rng.normal(size=(6, 3)), stepped=True)
    features, rows = queue.features_now().numpy(), rng.normal(size=(4, 3)) * 10
    expected = features[(unit(rows) @ features.T).argmax(axis=1)]
    np.testing.assert_array_equal(queue.nearest(rows), expected)


def test_replicas_hold_the_rows_of_all(two_replicas, rng):
    rows = rng.normal(size=(4, 3)).astype("float32")
    with two_replicas.scope():
        queue = layers.FeatureQueue(size=6, dim=3)
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: rows[2 * context.replica_id_in_sync_group :][:2]
    )
    two_replicas.run(lambda part: queue.enqueue(part, stepped=True), args=(parts,))
    for copy in two_replicas.experimental_local_results(queue.features.value):
        np.testing.assert_allclose(copy[:4], unit(rows), atol=1e-6)


def test_it_comes_back_from_its_config_and_weights(rng):
    queue = layers.FeatureQueue(size=4, dim=2, seed=3)
    queue.enqueue(rng.normal(size=(3, 2)), stepped=True)
    revived = layers.FeatureQueue.from_config(queue.get_config())
    revived.set_weights(queue.get_weights())
    for layer in (queue, revived):
        layer.enqueue(np.ones((2, 2)), stepped=True)
    np.testing.assert_array_equal(queue.features_now(), revived.features_now())


def test_it_stays_float32_under_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert layers.FeatureQueue(size=2, dim=2).features.dtype == "float32"
    finally:
        keras.config.set_dtype_policy("float32")


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="`size` of a queue.*at least the rows of a global batch, 3. Received: size=2"):
        layers.FeatureQueue(size=2, dim=2).enqueue(np.ones((3, 2)), stepped=True)
    with pytest.raises(ValueError, match="`size` must be at least 1. Received: size=0"):
        layers.FeatureQueue(size=0, dim=2)
