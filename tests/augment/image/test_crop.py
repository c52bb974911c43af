import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.image import crop_and_resize, random_resized_crop
from keras_ssl.augment.image.crop import _random_boxes

BOXES = [[0, 0, 20, 24], [3, 5, 9, 7], [19, 23, 1, 1], [2, 4, 16, 20]]


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("size", [(20, 24), (31, 40), (8, 6)])
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_equals_cutting_and_then_resizing(rng, antialias, size, channels):
    images = rng.random((4, 20, 24, channels), "float32")
    got = crop_and_resize(images, BOXES, size, antialias=antialias)
    for image, (top, left, height, width), result in zip(images, BOXES, got, strict=True):
        cut = image[top : top + height, left : left + width]
        np.testing.assert_allclose(result, tf.image.resize(cut, size, antialias=antialias), atol=2e-6)


@pytest.mark.parametrize("size", [24, 8])
def test_flip_mirrors_the_chosen_rows(rng, size):
    images = rng.random((4, 20, 24, 3), "float32")
    plain = crop_and_resize(images, BOXES, size).numpy()
    flipped = crop_and_resize(images, BOXES, size, flip=tf.constant([True, False, True, False]))
    expected = np.where(np.array([1, 0, 1, 0])[:, None, None, None], plain[:, :, ::-1], plain)
    np.testing.assert_allclose(flipped, expected, atol=2e-6)


def test_boxes_fit_and_follow_area_and_ratio(draws):
    boxes = _random_boxes(draws(4000), 100, 100, (0.2, 0.6), (0.5, 2.0)).numpy()
    top, left, height, width = boxes.T
    assert (boxes == boxes.round()).all()
    assert min(top.min(), left.min()) == 0
    area, ratio = height * width / 1e4, width / height
    assert 0.19 < area.min() < 0.21
    assert 0.57 < area.max() < 0.61
    # Big flat boxes do not fit and are drawn again, so the mean lies below the middle, 0.4.
    assert abs(area.mean() - 0.39) < 0.02
    assert 0.48 < ratio.min() < 0.52
    assert 1.9 < ratio.max() < 2.1
    assert abs(np.log(ratio).mean()) < 0.03


def test_every_place_is_equally_likely(draws):
    boxes = _random_boxes(draws(4000), 6, 6, (0.25, 0.25), (1.0, 1.0)).numpy()
    np.testing.assert_array_equal(boxes[:, 2:], 3)
    for starts in boxes[:, :2].T:
        np.testing.assert_allclose(np.bincount(starts.astype(int)) / 4000, [0.25] * 4, atol=0.03)


def test_the_first_candidate_that_fits_is_taken(draws):
    rows, scale, ratio = 500, (0.5, 1.0), (0.5, 2.0)
    boxes = _random_boxes(draws(rows), 30, 40, scale, ratio).numpy()
    area = 1200 * draws(rows).uniform("area", *scale, shape=(10,)).numpy().astype("float64")
    aspect = np.exp(draws(rows).uniform("aspect", *np.log(ratio), shape=(10,)).numpy().astype("float64"))
    skipped = 0
    for row in range(rows):
        candidates = zip(
            np.sqrt(area[row] / aspect[row]).round(), np.sqrt(area[row] * aspect[row]).round(), strict=True
        )
        fitting = [(place, box) for place, box in enumerate(candidates) if box[0] <= 30 and box[1] <= 40]
        skipped += fitting[0][0] > 0
        np.testing.assert_array_equal(boxes[row, 2:], fitting[0][1])
    assert skipped > 50


@pytest.mark.parametrize(
    ("height", "width", "ratio", "expected"),
    [(10, 40, (0.75, 1.5), [0, 12, 10, 15]), (40, 10, (0.5, 1.5), [10, 0, 20, 10]), (10, 40, (4, 4), [0, 0, 10, 40])],
)
def test_where_nothing_fits_the_central_box_is_taken(draws, height, width, ratio, expected):
    boxes = _random_boxes(draws(20), height, width, (1.0, 1.0), ratio)
    np.testing.assert_array_equal(boxes, [expected] * 20)


def test_rows_that_are_not_chosen_are_resized_whole(pictures, draws):
    images = pictures(200)
    whole = tf.image.resize(images, (12, 12), antialias=True).numpy()
    views = random_resized_crop(images, draws(200), 12, scale=(0.1, 0.3), probability=0.25).numpy()
    untouched = np.isclose(views, whole, atol=1e-5).all((1, 2, 3))
    assert abs(untouched.mean() - 0.75) < 0.09


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": (0.0, 1.0)}, "`scale` must be .*above 0.*at most 1"),
        ({"scale": (0.5, 0.2)}, r"`scale` must be .*scale=\(0.5, 0.2\)"),
        ({"scale": (0.5, 1.2)}, "`scale` must be"),
        ({"scale": 0.5}, "`scale` must be"),
        ({"ratio": (0, 1)}, "`ratio` must be"),
        ({"size": 0}, "`size` must be .*size=0"),
        ({"size": (8, 8, 3)}, "`size` must be"),
        ({"probability": -0.1}, "`probability` must be"),
        ({"flip": 2}, "`flip` must be"),
    ],
)
def test_bad_arguments_are_named(draws, arguments, message):
    with pytest.raises(ValueError, match=message):
        random_resized_crop(np.zeros((1, 8, 8, 3)), draws(1), **arguments)
