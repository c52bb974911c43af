import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment import image
from keras_ssl.random import RowDraws

VIEWS = {
    "simclr": image.simclr_views,
    "byol": image.byol_views,
    "multi_crop": functools.partial(
        image.multi_crop, global_size=12, local_size=8, local_count=1, effect=image.distort
    ),
}
COMPILED = {
    **VIEWS,
    "simclr_shuffled": functools.partial(image.simclr_views, shuffle=True, size=8),
    "flip": functools.partial(image.random_flip, vertical=0.5),
    "rotation": functools.partial(image.random_rotation, degrees=(-180, 180)),
    "quarter_turns": lambda images, rng: image.rotate_quarter_turns(images, rng.integers("turns", 0, 4)),
    "solarize": functools.partial(image.random_solarize, probability=0.5),
}


@pytest.fixture
def bytes_images(rng):
    return rng.integers(0, 256, (8, 16, 16, 3), "uint8")


@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
def test_two_replicas_see_what_one_sees(bytes_images, draws, views):
    whole = views(bytes_images, draws(8))
    halves = [views(bytes_images[4 * i :][:4], draws(4, replica=i)) for i in (0, 1)]
    for one, *two in zip(whole, *halves, strict=True):
        np.testing.assert_allclose(one, np.concatenate(two), atol=1e-3)


@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
def test_the_same_draws_give_the_same_views_and_others_do_not(bytes_images, draws, views):
    first, again, later = views(bytes_images, draws(8)), views(bytes_images, draws(8)), views(bytes_images, draws(8, 4))
    np.testing.assert_array_equal(first[0], again[0])
    assert np.abs(first[0] - later[0]).mean() > 5
    assert np.abs(first[0] - first[1]).mean() > 5


@pytest.mark.parametrize("views", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_views_come_in_the_range_that_went_in(rng, draws, views, channels):
    given = rng.integers(0, 256, (8, 12, 16, channels), "uint8")
    from_bytes = views(given, draws(8))
    from_floats = views(given.astype("float64") / 255, draws(8))
    from_symmetric = views(given / 127.5 - 1, draws(8), value_range=(-1, 1))
    for a, b, c in zip(from_bytes, from_floats, from_symmetric, strict=True):
        assert a.dtype == b.dtype == c.dtype == "float32"
        assert a.shape[-1] == channels
        assert a.numpy().min() >= 0.0
        assert 100 < a.numpy().max() <= 255.001
        np.testing.assert_allclose(a / 255, b, atol=1e-5)
        np.testing.assert_allclose(a / 127.5 - 1, c, atol=2e-5)


def test_simclr_views_are_their_parts_in_order(bytes_images, draws):
    views = image.simclr_views(bytes_images, draws(8), size=12, strength=0.5, blur=0.3)
    for index, view in enumerate(views):
        rng = draws(8).child(f"view_{index}")
        crop = image.random_resized_crop(bytes_images / 255, rng, 12, flip=0.5)
        jittered = image.color_jitter(crop, rng, 0.4, 0.4, 0.4, 0.1)
        expected = image.gaussian_blur(image.random_grayscale(jittered, rng), rng, probability=0.3)
        np.testing.assert_allclose(view, 255 * expected, atol=1e-2)


def test_byol_views_are_their_parts_in_order(bytes_images, draws):
    views = image.byol_views(bytes_images, draws(8), solarize=(0.0, 1.0))
    for index, view in enumerate(views):
        rng = draws(8).child(f"view_{index}")
        crop = image.random_resized_crop(bytes_images / 255, rng, flip=0.5)
        jittered = image.color_jitter(crop, rng, 0.4, 0.4, 0.2, 0.1, brightness_mode="additive", shuffle=True)
        blurred = image.gaussian_blur(image.random_grayscale(jittered, rng), rng, probability=(1.0, 0.1)[index])
        expected = image.random_solarize(blurred, rng, probability=1.0) if index else blurred
        np.testing.assert_allclose(view, 255 * expected, atol=1e-2)


def test_in_tf_data_with_batches_of_unknown_size(bytes_images, draws):
    def views(step, images):
        return image.simclr_views(images, RowDraws(5, step, tf.shape(images)[0]), blur=0.0)

    dataset = tf.data.Dataset.from_tensor_slices(bytes_images).batch(5).enumerate(start=3).map(views)
    assert dataset.element_spec[0].shape.as_list() == [None, 16, 16, 3]
    mapped = list(dataset)
    np.testing.assert_allclose(mapped[0][1], image.simclr_views(bytes_images[:5], draws(5), blur=0.0)[1], atol=1e-3)
    assert mapped[1][0].shape[0] == 3


def test_grey_simclr_views_compile_under_xla(bytes_images):
    _same_under_xla(VIEWS["simclr"], bytes_images[..., :1] / np.float32(255))


@pytest.mark.gate
@pytest.mark.parametrize("effect", COMPILED.values(), ids=COMPILED)
def test_everything_compiles_under_xla(bytes_images, effect):
    _same_under_xla(effect, bytes_images / np.float32(255))


def _same_under_xla(effect, images):
    def run(step):
        return effect(images, RowDraws(5, step, 8))

    plain = tf.function(run)(tf.constant(3))
    compiled = tf.function(run, jit_compile=True)(tf.constant(3))
    tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-5), plain, compiled)


def test_bad_arguments_are_named(bytes_images, draws):
    with pytest.raises(ValueError, match=r"`blur` must be in \[0, 1\].*blur=3"):
        image.simclr_views(bytes_images, draws(8), blur=3)
    with pytest.raises(ValueError, match="`strength` must be 0 or more"):
        image.simclr_views(bytes_images, draws(8), strength=-1)
    with pytest.raises(ValueError, match=r"`solarize` must be a pair.*solarize=0.2"):
        image.byol_views(bytes_images, draws(8), solarize=0.2)
