"""Colour to grey."""

import tensorflow as tf

from keras_ssl.augment.image.pixels import check_probability, check_unit_floats, to_images, to_planes

_LUMA = (0.2989, 0.5870, 0.1140)


def random_grayscale(images, rng, probability=0.2):
    """Takes the colour from some images: `0.2989 red + 0.5870 green + 0.1140 blue` in all three channels.

    Only images of three channels have colour to lose; with any other number this does nothing.

    Args:
        images: Float tensor of shape `(rows, height, width, channels)`, in `[0, 1]`.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        probability: Probability that an image is made grey, in `[0, 1]`.

    Returns:
        float32 tensor of the same shape, in `[0, 1]`.

    Raises:
        ValueError: If the rank is not 4, the rows are not those of `rng`,
            the dtype is not float, or the probability is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import random_grayscale
    >>> from keras_ssl.random import RowDraws
    >>> red = np.array([[[[1.0, 0.0, 0.0]]]])
    >>> print(random_grayscale(red, RowDraws(seed=0, step=0, rows=1), probability=1.0).numpy().ravel())
    [0.2989 0.2989 0.2989]
    """
    images = check_unit_floats(images, rng)
    check_probability("probability", probability)
    if images.shape[-1] != 3:
        return images
    chosen = rng.child("grayscale").bernoulli("apply", probability)
    # One 3 x 3 matrix a row, the identity or three times the same weights.
    mixing = tf.where(chosen[:, None, None], tf.constant([_LUMA] * 3), tf.eye(3))
    planes = to_planes(images)
    height, width = images.shape[1:3]
    mixed = mixing @ tf.reshape(planes, (-1, 3, height * width))
    return to_images(tf.reshape(mixed, (-1, 3, height, width)))
