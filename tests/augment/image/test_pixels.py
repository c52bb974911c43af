import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.image.pixels import from_unit_range, to_unit_range
from keras_ssl.random import RowDraws


@pytest.mark.parametrize(
    ("dtype", "value_range", "expected"),
    [("uint8", None, (0.0, 255.0)), ("float16", None, (0.0, 1.0)), ("float32", (-1, 1), (-1.0, 1.0))],
)
def test_there_and_back(dtype, value_range, expected):
    low, high = expected
    given = np.linspace(low, high, 256).astype(dtype).reshape(1, 16, 16, 1)
    images, received = to_unit_range(given, value_range)
    assert received == expected
    assert images.dtype == "float32"
    np.testing.assert_allclose(images, (given.astype("float64") - low) / (high - low), atol=1e-7)
    np.testing.assert_allclose(from_unit_range(images, received), given.astype("float32"), atol=2e-5)


@pytest.mark.parametrize(
    ("images", "value_range", "message"),
    [
        (np.zeros((4, 4, 3)), None, "`images` must have the shape"),
        (np.zeros((1, 4, 4, 3), "int32"), None, "uint8 or float.*int32"),
        (np.zeros((1, 4, 4, 3)), (1, 1), "`value_range` must be .*Received: value_range"),
        (np.zeros((1, 4, 4, 3)), (1, 0), "`value_range` must be .*Received: value_range"),
        (np.zeros((1, 4, 4, 3)), 255, "`value_range` must be .*Received: value_range=255"),
    ],
)
def test_bad_input_is_named(images, value_range, message):
    with pytest.raises(ValueError, match=message):
        to_unit_range(images, value_range)


def test_every_effect_refuses_the_wrong_rank_and_the_wrong_rows():
    from keras_ssl.augment import image

    three_axes, two_rows = np.zeros((8, 8, 3), "float32"), np.zeros((2, 8, 8, 3), "float32")
    for name in image.__all__:
        if name in ("simclr_jitter", "crop_and_resize", "rotate_quarter_turns"):
            continue
        effect = getattr(image, name)
        sizes = (8, 4) if name == "multi_crop" else ()
        with pytest.raises(ValueError, match="`images` must have the shape"):
            effect(three_axes, RowDraws(0, 0, 8), *sizes)
        with pytest.raises(ValueError, match=r"`rng` must draw for 2 rows.*rng\.rows=1"):
            effect(two_rows, RowDraws(0, 0, 1), *sizes)


def test_color_effects_refuse_integers():
    from keras_ssl.augment import image

    for effect in (image.color_jitter, image.random_grayscale, image.random_solarize, image.distort):
        with pytest.raises(ValueError, match=r"`images` must be float, in \[0, 1\].*uint8"):
            effect(tf.zeros((1, 8, 8, 3), "uint8"), RowDraws(0, 0, 1))
