"""Turning."""

import math

import tensorflow as tf

from keras_ssl.augment.image.flip import flip_where
from keras_ssl.augment.image.pixels import check_images, check_pair, check_probability, per_row


def random_rotation(images, rng, degrees=(-30.0, 30.0), probability=1.0, fill_value=0.0):
    """Turns each image about its centre by a random angle, with bilinear sampling.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, any range.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        degrees: `(low, high)`, angles in degrees; positive is counter-clockwise.
        probability: Probability that an image is turned, in `[0, 1]`.
        fill_value: Value of what comes from outside the image.

    Returns:
        float32 tensor of the same shape and range.

    Raises:
        ValueError: If the rank is not 4, or the range or the probability is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import random_rotation
    >>> from keras_ssl.random import RowDraws
    >>> images = np.array([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    >>> turned = random_rotation(images, RowDraws(seed=0, step=0, rows=1), degrees=(90, 90))
    >>> turned[0, :, :, 0].numpy().round(4).tolist()
    [[2.0, 4.0], [1.0, 3.0]]
    """
    images = tf.cast(check_images(images, rng), "float32")
    low, high = check_pair("degrees", degrees)
    check_probability("probability", probability)
    draws = rng.child("rotation")
    angles = draws.uniform("angle", math.radians(low), math.radians(high))
    angles = tf.where(draws.bernoulli("apply", probability), angles, 0.0)
    return _rotate(images, angles, fill_value)


def rotate_quarter_turns(images, turns):
    """Turns each square image counter-clockwise by a whole number of quarters, exactly.

    Args:
        images: Tensor of shape `(rows, side, side, channels)`, any dtype and range.
        turns: Integer tensor of shape `(rows,)`; any integers, four turns are none.

    Returns:
        Tensor of the same shape, dtype and range.

    Raises:
        ValueError: If the rank is not 4 or the images are not square.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import rotate_quarter_turns
    >>> images = np.array([[[[1], [2]], [[3], [4]]]])
    >>> rotate_quarter_turns(images, [1])[0, :, :, 0].numpy().tolist()
    [[2, 4], [1, 3]]
    """
    images = check_images(images)
    if images.shape[1] != images.shape[2]:
        raise ValueError(f"`images` must be square to turn by quarters. Received: images of shape {images.shape}")
    turns = tf.math.floormod(tf.convert_to_tensor(turns), 4)
    images = tf.where(per_row(turns % 2 == 1), tf.transpose(images, (0, 2, 1, 3)), images)
    images = flip_where(images, (turns == 1) | (turns == 2), axis=1)
    return flip_where(images, turns >= 2, axis=2)


def _rotate(images, angles, fill_value):
    height, width, channels = images.shape[1:]
    x = tf.range(width, dtype="float32")[None, None, :] - (width - 1) / 2
    y = tf.range(height, dtype="float32")[None, :, None] - (height - 1) / 2
    cosine, sine = tf.cos(angles)[:, None, None], tf.sin(angles)[:, None, None]
    source_x = cosine * x - sine * y + (width - 1) / 2
    source_y = sine * x + cosine * y + (height - 1) / 2
    flat = tf.reshape(images, (-1, height * width, channels))
    left, top = tf.floor(source_x), tf.floor(source_y)
    turned = 0.0
    for column, column_weight in ((left, left + 1 - source_x), (left + 1, source_x - left)):
        for row, row_weight in ((top, top + 1 - source_y), (top + 1, source_y - top)):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            index = tf.cast(tf.where(inside, row * width + column, 0.0), "int32")
            taken = tf.gather(flat, tf.reshape(index, (-1, height * width)), batch_dims=1)
            taken = tf.where(inside[..., None], tf.reshape(taken, (-1, height, width, channels)), fill_value)
            turned += (column_weight * row_weight)[..., None] * taken
    return turned
