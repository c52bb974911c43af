import numpy as np
import pytest

from keras_ssl.augment.image import gaussian_blur


@pytest.mark.parametrize(("height", "width", "channels"), [(16, 16, 3), (11, 14, 1), (11, 14, 5)])
def test_equals_a_convolution_rescaled_at_the_border(rng, draws, height, width, channels):
    images = rng.random((3, height, width, channels))
    got = gaussian_blur(images, draws(3), sigma=(0.5, 3.0), kernel_size=5, probability=1.0)
    sigmas = draws(3).child("blur").uniform("sigma", 0.5, 3.0).numpy()
    offsets = range(-2, 3)
    for image, sigma, result in zip(images, sigmas, got, strict=True):
        total, weights = np.zeros_like(image), np.zeros((height, width, 1))
        for dy in offsets:
            for dx in offsets:
                weight = np.exp(-(dy**2 + dx**2) / (2 * sigma**2))
                for y in range(max(0, -dy), min(height, height - dy)):
                    for x in range(max(0, -dx), min(width, width - dx)):
                        total[y, x] += weight * image[y + dy, x + dx]
                        weights[y, x] += weight
        np.testing.assert_allclose(result, total / weights, atol=1e-5)


@pytest.mark.parametrize(("height", "expected"), [(8, 3), (64, 7), (224, 23)])
def test_the_kernel_is_a_tenth_of_the_image(draws, height, expected):
    column = np.zeros((1, height, 1, 1), "float32")
    column[0, height // 2] = 1.0
    blurred = gaussian_blur(column, draws(1), sigma=(50, 50), probability=1.0)
    assert np.count_nonzero(blurred) == expected


def test_rows_that_are_not_chosen_stay_exactly(pictures, draws):
    images = pictures(1500, 4, 4, 1)
    got = gaussian_blur(images, draws(1500), sigma=(1, 2), probability=0.5).numpy()
    same = (got == images).all((1, 2, 3))
    assert abs(same.mean() - 0.5) < 0.05
    assert got.min() >= 0.0
    assert got.max() <= 1.0 + 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kernel_size": 4}, "`kernel_size` must be one odd int.*kernel_size=4"),
        ({"kernel_size": (3, 5)}, "`kernel_size` must be one odd int"),
        ({"sigma": (0.0, 1.0)}, "`sigma` must be .*above 0"),
        ({"probability": 7}, "`probability` must be"),
    ],
)
def test_bad_arguments_are_named(draws, arguments, message):
    with pytest.raises(ValueError, match=message):
        gaussian_blur(np.zeros((1, 8, 8, 3)), draws(1), **arguments)
