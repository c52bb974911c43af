import numpy as np
import pytest

from keras_ssl.augment.image import ressl_views, simclr_views
from keras_ssl.random import RowDraws


@pytest.fixture
def draws():
    return RowDraws(seed=0, step=3, rows=6)


def test_the_weak_view_is_cropped_and_flipped_and_keeps_its_colours(draws):
    red = np.zeros((6, 8, 8, 3), "float32")
    red[..., 0] = 0.5
    strong, weak = (view.numpy() for view in ressl_views(red, draws, jitter=1.0))
    np.testing.assert_allclose(weak, red, atol=1e-6)
    assert np.abs(strong - red).max(axis=(1, 2, 3)).min() > 0.01  # every row has other colours


def test_both_views_are_crops_of_their_own(draws, rng):
    images = rng.random((6, 8, 8, 1)).astype("float32")
    strong, weak = ressl_views(images, draws, size=6, jitter=0.0, blur=0.0)
    assert strong.shape == weak.shape == (6, 6, 6, 1)
    assert np.abs(strong - weak).max(axis=(1, 2, 3)).min() > 0.01
    whole = ressl_views(images, RowDraws(0, 0, 6), crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0), flip=0.0)[1]
    np.testing.assert_allclose(whole, images, atol=1e-5)


def test_the_strong_view_is_simclrs(draws, rng):
    images = rng.random((6, 8, 8, 3)).astype("float32")
    strong, _ = ressl_views(images, draws)
    child = RowDraws(seed=0, step=3, rows=6).child("strong")
    (expected,) = simclr_views(images, child, strength=0.5, crop_scale=(0.2, 1.0), shuffle=True, count=1)
    np.testing.assert_array_equal(strong, expected)


def test_pixels_keep_their_range(draws, rng):
    images = rng.integers(0, 256, (6, 8, 8, 3)).astype("uint8")
    for view in ressl_views(images, draws):
        assert 2 < view.numpy().max() <= 255
