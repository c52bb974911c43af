"""Mirroring."""

import tensorflow as tf

from keras_ssl.augment.image.pixels import check_images, check_probability, per_row


def random_flip(images, rng, horizontal=0.5, vertical=0.0):
    """Mirrors each image left to right, top to bottom, both or neither, by chance.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, any dtype and range.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        horizontal: Probability of swapping left and right, in `[0, 1]`.
        vertical: Probability of swapping top and bottom, in `[0, 1]`.

    Returns:
        Tensor of the same shape, dtype and range.

    Raises:
        ValueError: If the rank is not 4 or a probability is not in `[0, 1]`.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import random_flip
    >>> from keras_ssl.random import RowDraws
    >>> images = np.array([[[[1], [2], [3]]]])
    >>> random_flip(images, RowDraws(seed=0, step=0, rows=1), horizontal=1.0).numpy().ravel().tolist()
    [3, 2, 1]
    """
    images = check_images(images, rng)
    check_probability("horizontal", horizontal)
    check_probability("vertical", vertical)
    draws = rng.child("flip")
    if horizontal:
        images = flip_where(images, draws.bernoulli("horizontal", horizontal), axis=2)
    if vertical:
        images = flip_where(images, draws.bernoulli("vertical", vertical), axis=1)
    return images


def flip_where(images, chosen, axis):
    """Reverses the images for which the boolean tensor `chosen` of shape `(rows,)` is true, along `axis`."""
    return tf.where(per_row(chosen), tf.reverse(images, [axis]), images)
