"""Crops of random area and shape, brought to one size."""

import math

import tensorflow as tf

from keras_ssl.augment.image.pixels import (
    check_images,
    check_pair,
    check_probability,
    check_size,
    to_images,
    to_planes,
)

_ATTEMPTS = 10


def random_resized_crop(
    images,
    rng,
    size=None,
    scale=(0.08, 1.0),
    ratio=(3 / 4, 4 / 3),
    probability=1.0,
    flip=0.0,
    antialias=True,
):
    """Cuts a box of random area and aspect ratio out of each image and resizes it.

    Area is uniform in `scale`, aspect ratio log-uniform in `ratio`, both are rounded to whole pixels, the place is
    uniform. Of ten candidates for each row the first that fits is taken; if none does, the largest central box
    of an allowed ratio. This is Inception's crop as torchvision has it, with all ten tries drawn at once.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, any range.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        size: Size of the result: int or `(height, width)`. The size of `images` if left out.
        scale: `(low, high)`, the part of the image's area that is kept, in `(0, 1]`.
        ratio: `(low, high)`, width over height of the box, above 0.
        probability: Probability that an image is cropped, in `[0, 1]`; the others are only resized.
        flip: Probability of swapping left and right, in `[0, 1]`; inside a crop this costs nothing.
        antialias: Whether shrinking averages over all pixels that it merges; enlarging is the same either way.

    Returns:
        float32 tensor of shape `(rows, *size, channels)`, in the range of `images`.

    Raises:
        ValueError: If the rank is not 4, or a size, range or probability is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import random_resized_crop
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).random((4, 32, 32, 3))
    >>> random_resized_crop(images, RowDraws(seed=0, step=0, rows=4), size=24).shape
    TensorShape([4, 24, 24, 3])

    Reference: [Going deeper with convolutions](https://arxiv.org/abs/1409.4842).
    """
    images = check_images(images, rng)
    height, width = images.shape[1:3]
    size = (height, width) if size is None else check_size("size", size)
    scale = check_pair("scale", scale, above=0.0, most=1.0)
    ratio = check_pair("ratio", ratio, above=0.0)
    check_probability("probability", probability)
    check_probability("flip", flip)
    draws = rng.child("crop")
    boxes = _random_boxes(draws, height, width, scale, ratio)
    if probability < 1.0:
        whole = tf.constant([0.0, 0.0, height, width], "float32")
        boxes = tf.where(draws.bernoulli("apply", probability)[:, None], boxes, whole)
    flipped = draws.bernoulli("flip", flip) if flip else None
    return crop_and_resize(images, boxes, size, flip=flipped, antialias=antialias)


def crop_and_resize(images, boxes, size, flip=None, antialias=True):
    """Cuts one box out of each image and resizes it bilinearly: `rows @ image @ columns`, two batched matmuls.

    Pixels are squares with centres at halves, as in `tf.image.resize` and torchvision; nothing outside a box
    leaks in: the result is that of cutting first and resizing then.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, any range.
        boxes: Tensor of shape `(rows, 4)`: top, left, height and width in whole pixels, inside the image.
        size: Size of the result: int or `(height, width)`.
        flip: Boolean tensor of shape `(rows,)`: which results to mirror left to right. None if left out.
        antialias: Whether shrinking averages over all pixels that it merges.

    Returns:
        float32 tensor of shape `(rows, *size, channels)`, in the range of `images`.

    Raises:
        ValueError: If the rank of `images` is not 4 or `size` is not a size.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import crop_and_resize
    >>> images = np.arange(16).reshape(1, 4, 4, 1)
    >>> crop_and_resize(images, [[1, 2, 2, 2]], 2)[0, :, :, 0].numpy().tolist()
    [[6.0, 7.0], [10.0, 11.0]]
    """
    images = tf.cast(check_images(images), "float32")
    new_height, new_width = check_size("size", size)
    height, width, channels = images.shape[1:]
    top, left, box_height, box_width = tf.unstack(tf.cast(boxes, "float32"), axis=1)
    rows = _resize_weights(top, box_height, height, new_height, antialias)
    columns = _resize_weights(left, box_width, width, new_width, antialias, flip)
    shorter = rows @ tf.reshape(images, (-1, height, width * channels))
    planes = to_planes(tf.reshape(shorter, (-1, new_height, width, channels)))
    planes = tf.matmul(tf.reshape(planes, (-1, channels * new_height, width)), columns, transpose_b=True)
    return to_images(tf.reshape(planes, (-1, channels, new_height, new_width)))


def _random_boxes(draws, height, width, scale, ratio):
    """float32 tensor of shape `(rows, 4)`: top, left, height, width, whole numbers."""
    area = height * width * draws.uniform("area", *scale, shape=(_ATTEMPTS,))
    aspect = tf.exp(draws.uniform("aspect", math.log(ratio[0]), math.log(ratio[1]), shape=(_ATTEMPTS,)))
    heights, widths = tf.round(tf.sqrt(area / aspect)), tf.round(tf.sqrt(area * aspect))
    fits = (heights >= 1) & (heights <= height) & (widths >= 1) & (widths <= width)
    first = tf.argmax(tf.cast(fits, "int32"), axis=1)
    found = tf.reduce_any(fits, axis=1)
    central_height, central_width = _central_box(height, width, ratio)
    box_height = tf.where(found, tf.gather(heights, first, batch_dims=1), central_height)
    box_width = tf.where(found, tf.gather(widths, first, batch_dims=1), central_width)
    free_height, free_width = height - box_height, width - box_width
    top = tf.where(found, tf.floor(draws.uniform("top") * (free_height + 1)), tf.floor(free_height / 2))
    left = tf.where(found, tf.floor(draws.uniform("left") * (free_width + 1)), tf.floor(free_width / 2))
    return tf.stack([top, left, box_height, box_width], axis=1)


def _central_box(height, width, ratio):
    """Height and width of the largest box whose width over height is in `ratio`: two floats."""
    if width < ratio[0] * height:
        return float(max(round(width / ratio[0]), 1)), float(width)
    if width > ratio[1] * height:
        return float(height), float(max(round(height * ratio[1]), 1))
    return float(height), float(width)


def _resize_weights(start, extent, source, target, antialias, reverse=None):
    """Weights of `source` pixels in `target` pixels, shape `(rows, target, source)`; each sums to one."""
    start, extent = start[:, None], extent[:, None]
    place = tf.range(target, dtype="float32") + 0.5
    if reverse is not None:
        place = tf.where(reverse[:, None], target - place, place)
    step = extent * (1.0 / target)
    centre = start + place * step - 0.5
    pixel = tf.range(source, dtype="float32")
    if not antialias or source <= target:
        # Nothing shrinks: two neighbours share each weight, and at the edge of the box the last pixel has it all.
        centre = tf.clip_by_value(centre, start, start + extent - 1.0)
        return tf.nn.relu(1.0 - tf.abs(centre[:, :, None] - pixel))
    reach = tf.maximum(step, 1.0)[:, :, None]
    weights = tf.nn.relu(1.0 - tf.abs(centre[:, :, None] - pixel) / reach)
    inside = (pixel >= start) & (pixel < start + extent)
    weights *= tf.cast(inside, "float32")[:, None, :]
    return weights / tf.reduce_sum(weights, axis=-1, keepdims=True)
