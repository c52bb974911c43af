import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.image import random_rotation, rotate_quarter_turns


def test_quarter_turns_equal_numpy(rng):
    images = rng.integers(0, 256, (9, 6, 6, 5), "uint8")
    turns = np.arange(-4, 5)
    turned = rotate_quarter_turns(images, turns)
    assert turned.dtype == "uint8"
    for image, turn, result in zip(images, turns, turned, strict=True):
        np.testing.assert_array_equal(result, np.rot90(image, turn))


def test_quarter_turns_want_squares():
    with pytest.raises(ValueError, match="`images` must be square"):
        rotate_quarter_turns(np.zeros((1, 4, 6, 1)), [1])


@pytest.mark.parametrize("channels", [1, 3])
def test_equals_a_projective_transform(rng, draws, channels):
    images = rng.random((6, 12, 15, channels), "float32")
    turned = random_rotation(images, draws(6), degrees=(-170, 170), fill_value=0.25)
    angles = draws(6).child("rotation").uniform("angle", np.radians(-170), np.radians(170)).numpy()
    cosine, sine = np.cos(angles), np.sin(angles)
    x, y = (15 - 1) / 2, (12 - 1) / 2
    zero = np.zeros(6)
    transforms = np.stack(
        [cosine, -sine, x - cosine * x + sine * y, sine, cosine, y - sine * x - cosine * y, zero, zero], axis=1
    )
    expected = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=transforms.astype("float32"),
        output_shape=[12, 15],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.25,
    )
    np.testing.assert_allclose(turned, expected, atol=1e-4)


def test_a_positive_angle_is_counter_clockwise(rng, draws):
    images = rng.random((2, 7, 7, 3), "float32")
    turned = random_rotation(images, draws(2), degrees=(90, 90))
    np.testing.assert_allclose(turned[:, 1:-1, 1:-1], np.rot90(images, axes=(1, 2))[:, 1:-1, 1:-1], atol=1e-5)


def test_the_share_of_turned_rows_is_the_probability(rng, draws):
    images = rng.random((3000, 3, 3, 1), "float32")
    turned = random_rotation(images, draws(3000), degrees=(20, 40), probability=0.7)
    moved = (np.abs(turned - images) > 1e-6).any((1, 2, 3))
    assert abs(moved.mean() - 0.7) < 0.03


def test_bad_range_is_named(draws):
    with pytest.raises(ValueError, match=r"`degrees` must be .*degrees=30"):
        random_rotation(np.zeros((1, 4, 4, 1)), draws(1), degrees=30)
