import keras
import numpy as np
import pytest


@pytest.fixture
def encoder():
    """A convolutional encoder of raw pixels, with moving statistics that differ from those of a fresh layer."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(5)(x))
    normalization = model.layers[3]
    normalization.moving_mean.assign([0.1, -0.2, 0.3, 0.4])
    normalization.moving_variance.assign([0.5, 2.0, 1.5, 3.0])
    return model


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (8, 8, 8, 3), "uint8")


@pytest.fixture
def token_encoder():
    """An encoder of two named inputs: token ids and the mask of what is not padding."""
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = keras.layers.Embedding(10, 4)(ids)
    return keras.Model({"token_ids": ids, "padding_mask": mask}, keras.layers.GlobalAveragePooling1D()(x, mask=mask))


@pytest.fixture
def tokens(rng):
    return {"token_ids": rng.integers(0, 10, (3, 6)), "padding_mask": np.arange(6) < np.array([[6], [2], [4]])}
