import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.evaluation import random_encoder, raw_features


def make_encoder():
    layers = keras.layers
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(7.0, 3.0, (50, 6, 6, 1)))
    inner = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.BatchNormalization()], name="inner")
    inputs = keras.Input((6, 6, 1))
    return keras.Model(inputs, layers.Dense(4)(layers.Flatten()(inner(normalization(inputs)))))


def weights(model):
    return [np.array(w) for w in model.get_weights()]


def test_all_layers_are_renewed_and_the_input_is_kept():
    encoder = make_encoder()
    before = weights(encoder)
    fresh = random_encoder(encoder, seed=5)
    assert [w.shape for w in fresh.weights] == [w.shape for w in encoder.weights]
    for variable, old, new in zip(encoder.weights, before, weights(fresh), strict=True):
        drawn = variable.name == "kernel"
        assert np.array_equal(old, new) != drawn, variable.path
    for old, now in zip(before, weights(encoder), strict=True):
        np.testing.assert_array_equal(old, now)
    layer, copy = encoder.layers[1], fresh.layers[1]
    x = np.full((1, 6, 6, 1), 10.0)
    np.testing.assert_allclose(layer(x), copy(x))


def test_the_seed_decides():
    encoder = make_encoder()
    one, again, other = (weights(random_encoder(encoder, seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_callers_randomness_goes_on_as_before():
    encoder = make_encoder()
    drawn = []
    for between in (lambda: None, lambda: random_encoder(encoder)):
        keras.utils.set_random_seed(4)
        between()
        drawn.append((random.random(), np.random.rand(), float(tf.random.uniform(())), float(keras.random.uniform(()))))
    assert drawn[0] == drawn[1]


def test_an_adapted_layer_in_a_nested_model_keeps_its_statistics():
    normalization = keras.layers.Normalization()
    normalization.adapt(np.array([[3.0], [9.0]]))
    inner = keras.Sequential([keras.Input((1,)), normalization])
    encoder = keras.Sequential([keras.Input((1,)), inner])
    np.testing.assert_allclose(random_encoder(encoder)(np.array([[9.0]])), [[1.0]], rtol=1e-5)


def test_refuses_other_models():
    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match=r"Functional or Sequential.*type Subclassed"):
        random_encoder(Subclassed())


def test_raw_features(rng):
    x, y = rng.integers(0, 256, (7, 3, 2, 1)).astype("uint8"), np.arange(7)
    features, labels = raw_features((x, y), batch_size=4)
    assert features.dtype == "float32"
    np.testing.assert_array_equal(features, x.reshape(7, 6))
    np.testing.assert_array_equal(labels, y)
    with pytest.raises(ValueError, match="one array of numbers"):
        raw_features({"ids": x, "mask": x})
