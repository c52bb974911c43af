import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import layers


def lengths(kernel):
    return np.linalg.norm(np.asarray(kernel), axis=0)


@pytest.mark.parametrize("weight_normalization", [False, True])
def test_scores_are_cosines(rng, weight_normalization):
    prototypes = layers.Prototypes(4, 6, weight_normalization)
    z = rng.normal(size=(5, 4)).astype("float32")
    kernel = prototypes.kernel.numpy().astype("float64")
    expected = z @ kernel / np.linalg.norm(z, axis=1, keepdims=True) / lengths(kernel)
    np.testing.assert_allclose(prototypes(z), expected, atol=1e-6)


def test_begins_with_different_unit_directions():
    kernel = layers.Prototypes(4, 6).kernel.numpy()
    np.testing.assert_allclose(lengths(kernel), 1.0, atol=1e-6)
    assert np.abs(kernel.T @ kernel - np.eye(6)).max() < 0.999


def test_weight_normalization_divides_by_the_length(rng):
    z = rng.normal(size=(5, 4)).astype("float32")
    free, kept = layers.Prototypes(4, 6, weight_normalization=True), layers.Prototypes(4, 6)
    kept.kernel.assign(free.kernel)
    before = free(z).numpy()
    for prototypes in (free, kept):
        prototypes.kernel.assign(3.0 * prototypes.kernel)
    np.testing.assert_allclose(free(z), before, atol=1e-6)
    np.testing.assert_allclose(kept(z), 3.0 * before, atol=1e-5)  # `renormalize` is what it waits for


def test_the_gradient_of_normalised_weights_leaves_their_length(rng):
    prototypes = layers.Prototypes(4, 6, weight_normalization=True)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(prototypes(rng.normal(size=(5, 4)).astype("float32")) ** 3)
    gradient = tape.gradient(loss, prototypes.kernel.value)
    np.testing.assert_allclose(np.sum(gradient * prototypes.kernel.numpy(), axis=0), 0.0, atol=1e-5)
    assert np.abs(gradient).max() > 0.1


def test_renormalize_only_where_told(rng):
    prototypes = layers.Prototypes(4, 6)
    stretched = prototypes.kernel.numpy() * rng.uniform(0.5, 2.0, 6).astype("float32")
    prototypes.kernel.assign(stretched)
    prototypes.renormalize(where=tf.constant(False))
    np.testing.assert_array_equal(prototypes.kernel.numpy(), stretched)
    prototypes.renormalize(where=tf.constant(True))
    np.testing.assert_allclose(prototypes.kernel.numpy(), stretched / lengths(stretched), atol=1e-6)


def test_is_float32_under_half_precision(rng):
    keras.config.set_dtype_policy("mixed_float16")
    prototypes = layers.Prototypes(4, 6)
    z = rng.normal(size=(5, 4)).astype("float32")
    scores = prototypes(z)
    assert scores.dtype == "float32"
    expected = z.astype("float64") @ prototypes.kernel.numpy() / np.linalg.norm(z.astype("float64"), axis=1)[:, None]
    np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_round_trips_and_is_copied_by_a_teacher():
    prototypes = layers.Prototypes(4, 6, weight_normalization=True)
    copy = layers.Prototypes.from_config(prototypes.get_config())
    assert copy.get_config() == prototypes.get_config()
    teacher = layers.MomentumTeacher(prototypes)
    np.testing.assert_array_equal(teacher.copy.kernel.numpy(), prototypes.kernel.numpy())
    assert not teacher.trainable_variables


@pytest.mark.parametrize(("dim", "count", "message"), [(0, 3, "`dim`.*dim=0"), (3, 0, "`count`.*count=0")])
def test_refuses(dim, count, message):
    with pytest.raises(ValueError, match=message):
        layers.Prototypes(dim, count)
