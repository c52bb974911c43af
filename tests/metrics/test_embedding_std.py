import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.metrics import EmbeddingStd, embedding_std


def oracle(z):
    z = np.asarray(z, "float64")
    return (z / np.linalg.norm(z, axis=1, keepdims=True)).std(axis=0).mean()


def test_equals_the_formula(rng):
    z = rng.normal(2.0, 3.0, (50, 7))
    np.testing.assert_allclose(embedding_std(z), oracle(z), rtol=1e-5)


def test_healthy_and_collapsed_values(rng):
    np.testing.assert_allclose(embedding_std(rng.normal(size=(4000, 64))), 1 / 8, rtol=0.01)
    direction = rng.normal(size=(1, 64))
    np.testing.assert_allclose(embedding_std(rng.uniform(1, 9, (100, 1)) * direction), 0.0, atol=1e-6)


def test_float32_under_half_precision(rng):
    keras.config.set_dtype_policy("mixed_float16")
    z = tf.constant(rng.normal(size=(64, 16)) * 100, "float16")  # its squares overflow float16
    value = embedding_std(z)
    assert value.dtype == "float32"
    np.testing.assert_allclose(value, oracle(z.numpy()), rtol=1e-5)


def test_metric_takes_global_moments(rng):
    z = rng.normal(size=(60, 5)) + np.repeat(np.eye(5)[:3] * 5, 20, axis=0)  # each third lies elsewhere
    metric = EmbeddingStd(dimension=5)
    for part in np.split(z, [20, 50]):
        metric.update_state(part)
    np.testing.assert_allclose(metric.result(), oracle(z), rtol=1e-5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_metric_over_two_replicas(rng, two_replicas):
    z = rng.normal(size=(8, 3)).astype("float32")
    with two_replicas.scope():
        metric = EmbeddingStd(dimension=3)
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(z[context.replica_id_in_sync_group * 4 :][:4])
    )
    two_replicas.run(metric.update_state, args=(parts,))
    np.testing.assert_allclose(metric.result(), oracle(z), rtol=1e-5)


def test_metric_round_trips():
    metric = EmbeddingStd(dimension=3, name="spread")
    again = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert (again.dimension, again.name) == (3, "spread")


def test_wrong_rank():
    with pytest.raises(ValueError, match=r"`z` must have the shape \(batch, dim\).*z.shape=\(4,\)"):
        embedding_std(np.ones(4))
