import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.evaluation import FeatureFunction, extract_features


class Source:
    """What `keras_ssl.data` gives, as far as `extract_features` uses it."""

    def __init__(self, x, y=None):
        self.x, self.y = x, y

    def ordered(self, batch_size):
        rows = {"x": self.x, "index": np.arange(len(self.x))} | ({} if self.y is None else {"y": self.y})
        return tf.data.Dataset.from_tensor_slices(rows).batch(batch_size)


@pytest.fixture
def encoder():
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3), layers.Dropout(0.5)]
    )


@pytest.fixture
def x(rng):
    return rng.integers(0, 256, (21, 4, 4, 1)).astype("uint8")


def test_every_kind_of_data_gives_the_same(encoder, x):
    y = np.arange(21) % 3
    expected = encoder.predict(x, verbose=0)
    tensors = tf.data.Dataset.from_tensor_slices
    labelled = [
        Source(x, y),
        (x, y),
        (tf.constant(x), tf.constant(y, "uint8")),
        {"x": x, "y": y},
        tensors((x, y)).batch(8),
        tensors((x, y[:, None])).batch(8),
        tensors({"x": x, "y": y}).batch(8),
    ]
    for data in labelled:
        features, labels = extract_features(encoder, data, batch_size=8)
        np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(labels, y)
        assert (features.dtype, labels.dtype) == ("float32", "int64")
    for data in [Source(x), x, {"x": x}, tensors(x).batch(8), tensors({"x": x}).batch(8)]:
        features, labels = extract_features(encoder, data, batch_size=8)
        np.testing.assert_allclose(features, expected, rtol=1e-6, atol=1e-6)
        assert labels is None


def test_a_dict_without_x_is_the_input_itself(rng):
    inputs = {name: keras.Input((3,), name=name) for name in ("ids", "mask")}
    model = keras.Model(inputs, keras.layers.Multiply()([inputs["ids"], inputs["mask"]]))
    data = {"ids": rng.normal(size=(5, 3)), "mask": np.eye(5, 3)}
    features, _ = extract_features(model, data, batch_size=2)
    np.testing.assert_allclose(features, data["ids"] * data["mask"], rtol=1e-6)


def test_feature_key_picks_an_output(x):
    inputs = keras.Input((4, 4, 1))
    flat = keras.layers.Flatten()(inputs)
    model = keras.Model(inputs, {"tokens": inputs, "pooled": flat})
    with pytest.raises(ValueError, match=r"one output.*\['tokens', 'pooled'\]"):
        extract_features(model, x)
    model.feature_key = "pooled"
    assert extract_features(model, x)[0].shape == (21, 16)


def test_half_precision_becomes_float32(x):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
    assert extract_features(model, x)[0].dtype == "float32"


def test_traced_once_whatever_the_number_of_rows(encoder, x):
    function = FeatureFunction(encoder)
    for rows in (21, 19, 20, 8):
        features, _ = extract_features(function, x[:rows], batch_size=8)
        np.testing.assert_allclose(features, encoder.predict(x[:rows], verbose=0), rtol=1e-6, atol=1e-6)
    assert function.traces == 1


def test_rows_of_another_shape_are_traced_anew(rng):
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.GlobalAveragePooling2D()])
    function = FeatureFunction(model)
    for size in (4, 6, 4):
        x = rng.normal(size=(3, size, size, 1)).astype("float32")
        np.testing.assert_allclose(function(x), x.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    assert function.traces == 2


def test_weights_are_read_at_each_call(encoder, x):
    function = FeatureFunction(encoder)
    before = function(x)
    encoder.layers[-2].kernel.assign(encoder.layers[-2].kernel * 2)
    np.testing.assert_allclose(function(x), before * 2, rtol=1e-5)


def test_limit_takes_the_first_rows(encoder, x):
    y = np.arange(21)
    for data in [(x, y), Source(x, y), tf.data.Dataset.from_tensor_slices((x, y)).batch(8).repeat()]:
        features, labels = extract_features(encoder, data, batch_size=8, limit=10)
        np.testing.assert_allclose(features, encoder.predict(x[:10], verbose=0), rtol=1e-6, atol=1e-6)
        assert labels.tolist() == list(range(10))
    assert len(extract_features(encoder, x, limit=1000)[0]) == 21


def test_bad_data(encoder, x):
    with pytest.raises(ValueError, match="`data` must come to an end"):
        extract_features(encoder, tf.data.Dataset.from_tensor_slices(x).batch(4).repeat())
    with pytest.raises(ValueError, match=r"same number of rows throughout. Received: rows=\[20, 21\]"):
        extract_features(encoder, (x, np.zeros(20, int)))
    with pytest.raises(ValueError, match="data of type str"):
        extract_features(encoder, "fashion_mnist")
    with pytest.raises(ValueError, match=r"`limit` must be 1 or more. Received: limit=0"):
        extract_features(encoder, x, limit=0)
    with pytest.raises(ValueError, match="at least one row"):
        extract_features(encoder, x[:0])


def test_tokens_must_be_pooled(x):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Reshape((8, 2))])
    with pytest.raises(ValueError, match=r"one vector for each row.*shape=\(21, 8, 2\)"):
        extract_features(model, x)
