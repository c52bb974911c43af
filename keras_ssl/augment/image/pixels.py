"""The range of pixel values, the layout, and the checks that all image effects share."""

import tensorflow as tf


def to_unit_range(images, value_range=None):
    """Converts pixels to float32 in `[0, 1]`.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        value_range: `(low, high)`, the values of black and white; `(0, 255)` for uint8 and `(0, 1)` for float
            if left out.

    Returns:
        The float32 tensor, and the pair `(low, high)` that `from_unit_range` wants.

    Raises:
        ValueError: If the rank is not 4, the dtype is neither uint8 nor float, or `low` is not below `high`.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image.pixels import to_unit_range
    >>> images, value_range = to_unit_range(np.full((1, 1, 1, 1), 51, "uint8"))
    >>> print(images.numpy().ravel(), value_range)
    [0.2] (0.0, 255.0)
    """
    images = check_images(images)
    if value_range is None:
        value_range = (0.0, 1.0) if images.dtype.is_floating else (0.0, 255.0)
    low, high = check_pair("value_range", value_range)
    if low == high:
        raise ValueError(f"`value_range` must be (low, high) with low < high. Received: value_range={value_range!r}")
    if not images.dtype.is_floating and images.dtype != "uint8":
        raise ValueError(f"`images` must be uint8 or float. Received: images of dtype {images.dtype.name}")
    images = tf.cast(images, "float32")
    if (low, high) != (0.0, 1.0):
        images = (images - low) / (high - low) if low else images / high
    return images, (low, high)


def from_unit_range(images, value_range):
    """Takes float32 images in `[0, 1]` back to the pair `value_range` that `to_unit_range` returned."""
    low, high = value_range
    if (low, high) == (0.0, 1.0):
        return images
    return images * (high - low) + low if low else images * high


def to_planes(images):
    """`(rows, height, width, channels)` to `(rows, channels, height, width)`, the faster layout for colours.

    Effects go to planes and back one by one; inside a `tf.function` the inverse transposes of neighbours cancel.
    """
    return tf.transpose(images, (0, 3, 1, 2))


def to_images(planes):
    """`(rows, channels, height, width)` to `(rows, height, width, channels)`."""
    return tf.transpose(planes, (0, 2, 3, 1))


def per_row(values):
    """Gives a tensor of shape `(rows,)` three more axes, so that it meets each row's pixels."""
    return values[:, None, None, None]


def check_images(images, rng=None):
    """`images` as a tensor of rank 4, all but the rows known, and as many rows as `rng` has; else a ValueError."""
    images = tf.convert_to_tensor(images)
    if images.shape.rank != 4 or None in images.shape[1:]:
        raise ValueError(
            "`images` must have the shape (rows, height, width, channels), only rows may be unknown. "
            f"Received: images of shape {images.shape}"
        )
    if rng is not None and isinstance(rng.rows, int) and images.shape[0] not in (None, rng.rows):
        raise ValueError(
            f"`rng` must draw for {images.shape[0]} rows, those of `images`. Received: rng.rows={rng.rows}"
        )
    return images


def check_unit_floats(images, rng):
    """`images` as a float32 tensor of rank 4; integers are refused, since colour effects want `[0, 1]`."""
    images = check_images(images, rng)
    if not images.dtype.is_floating:
        raise ValueError(f"`images` must be float, in [0, 1]. Received: images of dtype {images.dtype.name}")
    return tf.cast(images, "float32")


def check_probability(name, value):
    """Raises unless `value` is in `[0, 1]`."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"`{name}` must be in [0, 1]. Received: {name}={value!r}")


def check_pair(name, pair, above=None, most=None):
    """`(low, high)` as floats, with `above < low <= high <= most`; else a ValueError."""
    floats = tuple(float(value) for value in pair) if isinstance(pair, (tuple, list)) else ()
    ok = len(floats) == 2 and floats[0] <= floats[1]
    if ok and (above is None or floats[0] > above) and (most is None or floats[1] <= most):
        return floats
    bounds = "" if above is None else f", both above {above}"
    bounds += "" if most is None else f" and at most {most}"
    raise ValueError(f"`{name}` must be (low, high) with low <= high{bounds}. Received: {name}={pair!r}")


def check_size(name, size):
    """`(height, width)` from an int or a pair of ints of 1 or more; else a ValueError."""
    pair = (size, size) if isinstance(size, int) else size
    if isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(n, int) and n >= 1 for n in pair):
        return tuple(pair)
    raise ValueError(f"`{name}` must be an int or (height, width), 1 or more. Received: {name}={size!r}")
