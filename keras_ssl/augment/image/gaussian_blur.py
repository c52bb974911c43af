"""Gaussian blur."""

import tensorflow as tf

from keras_ssl.augment.image.pixels import check_images, check_pair, check_probability, to_images, to_planes


def gaussian_blur(images, rng, sigma=(0.1, 2.0), kernel_size=None, probability=0.5):
    """Blurs each image with a Gaussian of random width: banded matrices over rows and columns.

    Formula:

    ```
    weight[i, j] = exp(-(i - j)^2 / (2 sigma^2)) for |i - j| <= kernel_size // 2, scaled to sum to one over j
    ```

    NOTE: At the border the kernel is cut and its weights rescaled; SimCLR's code pads with black, which darkens the
    border, and torchvision mirrors.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, any range.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        sigma: `(low, high)`, standard deviation in pixels, uniform, above 0.
        kernel_size: Odd int, pixels on a side of the kernel. If left out, `height // 20 * 2 + 1`, a tenth of
            the image as in SimCLR, but at least 3.
        probability: Probability that an image is blurred, in `[0, 1]`.

    Returns:
        float32 tensor of the same shape and range.

    Raises:
        ValueError: If the rank is not 4, the rows are not those of `rng`,
            the kernel size is even or a pair, or another number is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import gaussian_blur
    >>> from keras_ssl.random import RowDraws
    >>> point = np.zeros((1, 5, 5, 1), "float32")
    >>> point[0, 2, 2] = 1.0
    >>> blurred = gaussian_blur(point, RowDraws(seed=0, step=0, rows=1), sigma=(1, 1), kernel_size=3, probability=1.0)
    >>> print(blurred[0, 2, :, 0].numpy().round(2))
    [0.   0.12 0.2  0.12 0.  ]

    Reference: [A simple framework for contrastive learning](https://arxiv.org/abs/2002.05709), appendix A.
    """
    images = tf.cast(check_images(images, rng), "float32")
    height, width = images.shape[1:3]
    sigma = check_pair("sigma", sigma, above=0.0)
    check_probability("probability", probability)
    kernel_size = max(height // 20 * 2 + 1, 3) if kernel_size is None else kernel_size
    if not isinstance(kernel_size, int) or kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"`kernel_size` must be one odd int of 1 or more. Received: kernel_size={kernel_size!r}")
    draws = rng.child("blur")
    chosen = draws.bernoulli("apply", probability)
    width_of_row = draws.uniform("sigma", *sigma)
    rows = _blur_weights(width_of_row, chosen, height, kernel_size)
    columns = rows if width == height else _blur_weights(width_of_row, chosen, width, kernel_size)
    planes = to_planes(images)
    return to_images(tf.matmul(tf.matmul(rows[:, None], planes), columns[:, None], transpose_b=True))


def _blur_weights(sigma, chosen, size, kernel_size):
    """Tensor of shape `(rows, size, size)`; the identity where not chosen."""
    pixel = tf.range(size, dtype="float32")
    distance = tf.abs(pixel[:, None] - pixel)
    band = tf.cast(distance <= kernel_size // 2, "float32")
    weights = band * tf.exp(-tf.square(distance) / (2.0 * tf.square(sigma[:, None, None])))
    weights /= tf.reduce_sum(weights, axis=-1, keepdims=True)
    return tf.where(chosen[:, None, None], weights, tf.eye(size))
