"""What the tests of image effects share."""

import pytest
import tensorflow as tf

from keras_ssl.random import RowDraws


@pytest.fixture
def draws():
    """Makes the draws of one step; call it again for the same ones."""

    def make(rows, step=3, replica=0):
        return RowDraws(seed=5, step=step, rows=rows, replica=replica)

    return make


@pytest.fixture
def pictures(rng):
    """Makes smooth random pictures in [0, 1], float32."""

    def make(rows, height=16, width=16, channels=3):
        coarse = rng.random((rows, 5, 5, channels), "float32")
        return tf.clip_by_value(tf.image.resize(coarse, (height, width), "bicubic"), 0.0, 1.0).numpy()

    return make
