"""What happens to a view after its crop, in the order of SimCLR and BYOL."""

from keras_ssl.augment.image.color_jitter import color_jitter
from keras_ssl.augment.image.gaussian_blur import gaussian_blur
from keras_ssl.augment.image.grayscale import random_grayscale
from keras_ssl.augment.image.pixels import check_probability, check_unit_floats
from keras_ssl.augment.image.solarize import random_solarize


def distort(
    images,
    rng,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    jitter=0.8,
    grayscale=0.2,
    blur=0.5,
    solarize=0.0,
    brightness_mode="multiplicative",
    shuffle=False,
):
    """Colour jitter, grey, blur, solarisation, each with its own probability; zero leaves one out.

    Args:
        images: Float tensor of shape `(rows, height, width, channels)`, in `[0, 1]`.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        brightness: Range of brightness, see `color_jitter`.
        contrast: Range of contrast.
        saturation: Range of saturation; passed over unless there are three channels.
        hue: Range of hue, in turns; passed over unless there are three channels.
        jitter: Probability of `color_jitter`, in `[0, 1]`.
        grayscale: Probability of `random_grayscale`; passed over unless there are three channels.
        blur: Probability of `gaussian_blur`.
        solarize: Probability of `random_solarize`.
        brightness_mode: `"multiplicative"` or `"additive"`.
        shuffle: Whether each image gets the four parts of the jitter in an order of its own.

    Returns:
        float32 tensor of the same shape, in `[0, 1]`.

    Raises:
        ValueError: If the rank is not 4, the rows are not those of `rng`,
            the dtype is not float, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import distort
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).random((4, 8, 8, 3))
    >>> distort(images, RowDraws(seed=0, step=0, rows=4), hue=0.1, solarize=0.2).shape
    TensorShape([4, 8, 8, 3])
    """
    images = check_unit_floats(images, rng)
    for name, value in (("jitter", jitter), ("grayscale", grayscale), ("blur", blur), ("solarize", solarize)):
        check_probability(name, value)
    if jitter:
        images = color_jitter(
            images, rng, brightness, contrast, saturation, hue, jitter, brightness_mode=brightness_mode, shuffle=shuffle
        )
    if grayscale:
        images = random_grayscale(images, rng, grayscale)
    if blur:
        images = gaussian_blur(images, rng, probability=blur)
    if solarize:
        images = random_solarize(images, rng, probability=solarize)
    return images
