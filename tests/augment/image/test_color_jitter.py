import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.image import color_jitter, simclr_jitter
from keras_ssl.augment.image.color_jitter import _adjust_colors

CLIP = lambda image: np.clip(image, 0.0, 1.0)  # noqa: E731


def reference(images, draws, shuffle, mode="multiplicative", brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2):
    """One image after the other, by `tf.image`."""
    draws = draws.child("jitter")
    colors = images.shape[-1] == 3
    ranges = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    values = {
        name: draws.uniform(name, max(1 - span, 0), 1 + span).numpy()
        for name, span in ranges.items()
        if name != "hue" and not (name == "brightness" and mode == "additive")
    }
    values["hue"] = draws.uniform("hue", -hue, hue).numpy()
    if mode == "additive":
        values["brightness"] = draws.uniform("brightness", -brightness, brightness).numpy()
    ranks = draws.permutation("order", 4).numpy() if shuffle else np.tile(np.arange(4), (len(images), 1))
    results = []
    for row, image in enumerate(images):
        for place in np.argsort(ranks[row]):
            name = list(ranges)[place]
            value = values[name][row]
            if name == "brightness":
                image = image * value if mode == "multiplicative" else image + value
            elif name == "contrast":
                image = tf.image.adjust_contrast(image, value).numpy()
            elif colors and name == "saturation":
                image = tf.image.adjust_saturation(image, value).numpy()
            elif colors:
                image = tf.image.adjust_hue(image, value).numpy()
            image = CLIP(image)
        results.append(image)
    return np.stack(results)


@pytest.mark.parametrize("mode", ["multiplicative", "additive"])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_equals_tf_image(pictures, draws, mode, shuffle, channels):
    rows = 40 if shuffle and channels == 3 else 4
    images = pictures(rows, 8, 8, channels)
    got = color_jitter(images, draws(rows), probability=1.0, brightness_mode=mode, shuffle=shuffle).numpy()
    np.testing.assert_allclose(got, reference(images, draws(rows), shuffle, mode), atol=1e-5)
    assert got.min() >= 0.0
    assert got.max() <= 1.0


def test_hue_and_saturation_on_every_corner_and_edge_of_the_cube():
    levels = np.array([0, 1, 51, 128, 254, 255], "float32") / 255
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(1, 12, 18, 3)
    planes = tf.transpose(cube, (0, 3, 1, 2))
    for factor in (0.0, 0.7, 1.0, 3.0):
        for turn in (-0.5, -0.21, 0.0, 0.1, 1 / 6, 0.5):
            got = tf.transpose(_adjust_colors(planes, factor, turn), (0, 2, 3, 1))
            expected = tf.image.adjust_hue(tf.image.adjust_saturation(cube, factor), turn)
            np.testing.assert_allclose(got, expected, atol=3e-6)


def test_rows_that_are_not_chosen_stay(pictures, draws):
    images = pictures(3000, 4, 4)
    for shuffle in (False, True):
        changed = np.abs(color_jitter(images, draws(3000), probability=0.8, shuffle=shuffle) - images).max((1, 2, 3))
        assert abs((changed > 1e-5).mean() - 0.8) < 0.03


def test_zero_ranges_leave_everything(pictures, draws):
    images = pictures(4)
    for shuffle in (False, True):
        got = color_jitter(images, draws(4), 0.0, 0.0, 0.0, 0.0, probability=1.0, shuffle=shuffle)
        np.testing.assert_allclose(got, images, atol=1e-6)


def test_simclr_jitter_scales_with_the_strength():
    assert simclr_jitter() == {"brightness": 0.8, "contrast": 0.8, "saturation": 0.8, "hue": 0.2}
    assert simclr_jitter(0.25)["hue"] == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"`strength` must be 0 or more.*strength=-1"):
        simclr_jitter(-1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"brightness": -0.1}, "`brightness` must be 0 or more.*brightness=-0.1"),
        ({"contrast": -1}, "`contrast` must be"),
        ({"saturation": -1}, "`saturation` must be"),
        ({"hue": 0.6}, r"`hue` must be in \[0, 0.5\].*hue=0.6"),
        ({"probability": 2}, "`probability` must be"),
        ({"brightness_mode": "gamma"}, "`brightness_mode` must be .*'gamma'"),
    ],
)
def test_bad_arguments_are_named(draws, arguments, message):
    with pytest.raises(ValueError, match=message):
        color_jitter(np.zeros((1, 4, 4, 3)), draws(1), **arguments)
