import numpy as np
import pytest

from keras_ssl.augment.image import random_flip


@pytest.mark.parametrize(("horizontal", "vertical", "axes"), [(1.0, 0.0, [2]), (0.0, 1.0, [1]), (1.0, 1.0, [1, 2])])
def test_certain_flips_equal_numpy_and_keep_the_dtype(rng, draws, horizontal, vertical, axes):
    images = rng.integers(0, 256, (3, 4, 6, 5), "uint8")
    flipped = random_flip(images, draws(3), horizontal, vertical)
    assert flipped.dtype == "uint8"
    np.testing.assert_array_equal(flipped, np.flip(images, axes))


def test_the_share_of_flipped_rows_is_the_probability(draws):
    images = np.tile(np.arange(2.0).reshape(1, 1, 2, 1), (4000, 1, 1, 1))
    share = random_flip(images, draws(4000), 0.3).numpy()[:, 0, 0, 0].mean()
    assert abs(share - 0.3) < 0.03


def test_bad_probability_is_named(draws):
    with pytest.raises(ValueError, match=r"`vertical` must be in \[0, 1\].*vertical=1.5"):
        random_flip(np.zeros((1, 2, 2, 1)), draws(1), vertical=1.5)
