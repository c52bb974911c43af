import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.image import random_grayscale


def test_equals_tf_image(pictures, draws):
    images = pictures(4)
    grey = tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(images))
    np.testing.assert_allclose(random_grayscale(images, draws(4), 1.0), grey, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 4])
def test_other_numbers_of_channels_are_passed_over(pictures, draws, channels):
    images = pictures(4, channels=channels)
    np.testing.assert_array_equal(random_grayscale(images, draws(4), 1.0), images)


def test_the_share_of_grey_rows_is_the_probability(rng, draws):
    images = rng.random((4000, 2, 2, 3), "float32")
    got = random_grayscale(images, draws(4000), 0.2).numpy()
    grey = np.ptp(got, axis=-1).max((1, 2)) < 1e-6
    assert abs(grey.mean() - 0.2) < 0.025
    np.testing.assert_array_equal(got[~grey], images[~grey])


def test_bad_probability_is_named(draws):
    with pytest.raises(ValueError, match="`probability` must be"):
        random_grayscale(np.zeros((1, 4, 4, 3)), draws(1), -0.5)
