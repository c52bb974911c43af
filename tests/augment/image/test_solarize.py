import numpy as np
import pytest

from keras_ssl.augment.image import random_solarize


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_inverts_from_the_threshold_on(pictures, draws, channels):
    images = pictures(4, channels=channels)
    images[0, 0, 0, 0] = 0.7
    got = random_solarize(images, draws(4), threshold=0.7, probability=1.0)
    np.testing.assert_allclose(got, np.where(images >= np.float32(0.7), 1 - images, images), atol=1e-7)


def test_the_share_of_solarised_rows_is_the_probability(draws):
    got = random_solarize(np.ones((4000, 1, 1, 1)), draws(4000), probability=0.2)
    assert abs((got.numpy() == 0).mean() - 0.2) < 0.025


@pytest.mark.parametrize("arguments", [{"threshold": 128}, {"probability": 1.1}])
def test_bad_arguments_are_named(draws, arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be in"):
        random_solarize(np.zeros((1, 4, 4, 3)), draws(1), **arguments)
