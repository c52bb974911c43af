"""Solarisation."""

import tensorflow as tf

from keras_ssl.augment.image.pixels import check_probability, check_unit_floats, per_row


def random_solarize(images, rng, threshold=0.5, probability=0.2):
    """Inverts the bright values of some images: `x if x < threshold else 1 - x`.

    Args:
        images: Float tensor of shape `(rows, height, width, channels)`, in `[0, 1]`.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        threshold: Value from which on pixels are inverted, in `[0, 1]`.
        probability: Probability that an image is solarised, in `[0, 1]`.

    Returns:
        float32 tensor of the same shape, in `[0, 1]`.

    Raises:
        ValueError: If the rank is not 4, the rows are not those of `rng`,
            the dtype is not float, or a number is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import random_solarize
    >>> from keras_ssl.random import RowDraws
    >>> images = np.array([[[[0.25], [0.75]]]])
    >>> random_solarize(images, RowDraws(seed=0, step=0, rows=1), probability=1.0).numpy().ravel().tolist()
    [0.25, 0.25]

    Reference: [Bootstrap your own latent](https://arxiv.org/abs/2006.07733), appendix B.
    """
    images = check_unit_floats(images, rng)
    check_probability("threshold", threshold)
    check_probability("probability", probability)
    chosen = rng.child("solarize").bernoulli("apply", probability)
    # What is not chosen gets a threshold that no pixel reaches.
    thresholds = tf.where(chosen, threshold, float("inf"))
    return tf.where(images >= per_row(thresholds), 1.0 - images, images)
