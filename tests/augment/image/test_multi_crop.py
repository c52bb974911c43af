import numpy as np
import pytest

from keras_ssl.augment.image import multi_crop, random_resized_crop, random_solarize


def test_sizes_scales_and_draws_of_each_view(rng, draws):
    images = rng.integers(0, 256, (4, 20, 20, 3), "uint8")
    views = multi_crop(images, draws(4), 16, (6, 8), local_count=3, flip=0.25)
    assert [view.shape for view in views] == [(4, 16, 16, 3)] * 2 + [(4, 6, 8, 3)] * 3
    sizes, scales = [16] * 2 + [(6, 8)] * 3, [(0.14, 1.0)] * 2 + [(0.05, 0.14)] * 3
    for index, (view, size, scale) in enumerate(zip(views, sizes, scales, strict=True)):
        expected = random_resized_crop(images, draws(4).child(f"view_{index}"), size, scale, flip=0.25)
        np.testing.assert_allclose(view, expected, atol=1e-3)


def test_one_effect_for_all_or_one_for_each(rng, draws):
    images = rng.integers(0, 256, (4, 8, 8, 1), "uint8")

    def invert(crop, rng):
        return random_solarize(crop, rng, threshold=0.0, probability=1.0)

    plain = multi_crop(images, draws(4), 8, 4, global_count=1, local_count=1)
    both = multi_crop(images, draws(4), 8, 4, global_count=1, local_count=1, effect=invert)
    second = multi_crop(images, draws(4), 8, 4, global_count=1, local_count=1, effect=(None, invert))
    np.testing.assert_allclose(both[0], 255 - plain[0], atol=1e-3)
    np.testing.assert_allclose(both[1], 255 - plain[1], atol=1e-3)
    np.testing.assert_array_equal(second[0], plain[0])
    np.testing.assert_array_equal(second[1], both[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"local_count": -1}, "`local_count` must be .*local_count=-1"),
        ({"effect": (None,)}, "`effect` must be one function, or one for each of the 8 views"),
        ({"global_scale": (0.9, 0.4)}, "`scale` must be"),
    ],
)
def test_bad_arguments_are_named(draws, arguments, message):
    with pytest.raises(ValueError, match=message):
        multi_crop(np.zeros((1, 8, 8, 3)), draws(1), 8, 4, **arguments)


def test_bad_size_is_named(draws):
    with pytest.raises(ValueError, match="`local_size` must be an int"):
        multi_crop(np.zeros((1, 8, 8, 3)), draws(1), 8, None)
