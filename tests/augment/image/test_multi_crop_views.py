import numpy as np
import pytest

from keras_ssl import augment
from keras_ssl.augment.image import dino_views, distort, multi_crop, swav_views

SIZES = {"global_size": 16, "local_size": 8, "local_count": 2}


@pytest.mark.parametrize("views", [swav_views, dino_views])
def test_two_large_and_some_small_views_that_differ(draws, pictures, views):
    images = pictures(4)
    made = [view.numpy() for view in views(images, draws(4), **SIZES)]
    assert [view.shape for view in made] == [(4, 16, 16, 3)] * 2 + [(4, 8, 8, 3)] * 2
    assert np.abs(made[0] - made[1]).max() > 0.1
    assert np.abs(made[2] - made[3]).max() > 0.1
    again = [view.numpy() for view in views(images, draws(4), **SIZES)]
    assert all(np.array_equal(one, other) for one, other in zip(made, again, strict=True))


@pytest.mark.parametrize("views", [swav_views, dino_views])
def test_defaults_are_the_papers_sizes(draws, pictures, views):
    made = views(pictures(1), draws(1))
    assert [view.shape[1] for view in made] == [224] * 2 + [96] * {swav_views: 6, dino_views: 8}[views]


def test_swav_is_multi_crop_with_simclrs_distortion(draws, pictures):
    images = pictures(3)
    expected = multi_crop(images, draws(3), 16, 8, local_count=2, effect=lambda x, rng: distort(x, rng, shuffle=True))
    for view, one in zip(swav_views(images, draws(3), **SIZES), expected, strict=True):
        np.testing.assert_array_equal(view, one)


def test_dino_distorts_each_kind_of_view_in_its_own_way(draws, pictures):
    """Without chance: the first is left alone, the second solarised, the small ones blurred."""
    images = pictures(3)
    plain = {**SIZES, "jitter": 0.0, "grayscale": 0.0}
    none = dino_views(images, draws(3), **plain, blur=(0, 0, 0), solarize=(0, 0, 0))
    made = dino_views(images, draws(3), **plain, blur=(0, 0, 1.0), solarize=(0, 1.0, 0))
    np.testing.assert_array_equal(made[0], none[0])
    second = none[1].numpy()
    np.testing.assert_allclose(made[1], np.where(second >= 0.5, 1 - second, second), atol=1e-6)
    for blurred, sharp in zip(made[2:], none[2:], strict=True):
        assert np.abs(np.diff(blurred, axis=1)).mean() < 0.9 * np.abs(np.diff(sharp, axis=1)).mean()


@pytest.mark.parametrize("argument", ["blur", "solarize"])
def test_dino_refuses_other_than_three_probabilities(draws, pictures, argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be three probabilities.*Received: {argument}=\(1, 0\)"):
        dino_views(pictures(1), draws(1), **{argument: (1, 0)})


@pytest.mark.parametrize("views", [swav_views, dino_views])
def test_can_be_saved_with_their_options(views):
    config = augment.Augmentation(views, global_size=32).get_config()
    assert augment.Augmentation.from_config(config).function is views
