import warnings

import numpy as np
import pytest

from keras_ssl.data import ArraySource

PIXELS = np.full((4, 3, 2, 1), 9, "uint8")


def test_three_axes_are_pictures_of_one_channel():
    assert ArraySource(np.zeros((4, 3, 2), "uint8")).image_shape == (3, 2, 1)


def test_whole_numbers_become_uint8_and_floats_float32():
    assert ArraySource(PIXELS.astype("int64")).arrays()[0].dtype == "uint8"
    source = ArraySource(PIXELS + 0.25)
    assert source.arrays()[0].dtype == source.batches(2).element_spec["x"].dtype == "float32"
    assert source.arrays()[0].max() == 9.25


def test_labels_may_be_a_column():
    np.testing.assert_array_equal(ArraySource(PIXELS, [[3], [1], [2], [0]]).labels, [3, 1, 2, 0])


def test_later_changes_of_the_array_do_not_reach_the_source():
    x = PIXELS.copy()
    source = ArraySource(x)
    x[:] = 0
    assert (source.arrays()[0] == 9).all()


def test_pixels_scaled_to_one_are_warned_about():
    with pytest.warns(UserWarning, match="scaled to 0..1"):
        ArraySource(PIXELS / 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ArraySource(PIXELS + 0.5)


def with_nan():
    x = np.ones((4, 3, 2, 1), "float32") * 7
    x[2, 1, 0, 0], x[3, 0, 0, 0] = np.nan, np.inf
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((4, 3)), None, r"`x` must have shape .*Received: shape \(4, 3\)"),
        (np.zeros((4, 3, 2, 1, 1)), None, r"`x` must have shape"),
        (np.zeros((0, 3, 2, 1), "uint8"), None, r"`x` must not be empty"),
        (np.zeros((4, 0, 2, 1), "uint8"), None, r"`x` must not be empty"),
        (with_nan(), None, r"2 NaN or infinite pixels, the first at \(2, 1, 0, 0\)"),
        (PIXELS.astype("int32") * 100, None, r"must be in 0..255. Received: 900 to 900"),
        (PIXELS.astype("int32") - 10, None, r"must be in 0..255. Received: -1 to -1"),
        (PIXELS > 3, None, r"Received: dtype bool"),
        (PIXELS.astype("str"), None, r"Received: dtype <U3"),
        (PIXELS, [0, 1, 2], r"`x` and `y` must have as many rows. Received: 4 and 3"),
        (PIXELS, [0.0, 1.0, 2.0, 3.0], r"`y` must be whole numbers"),
        (PIXELS, np.eye(4, dtype="int64"), r"`y` must be whole numbers of shape \(rows,\). Received: shape \(4, 4\)"),
    ],
)
def test_bad_arrays_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        ArraySource(x, y)
