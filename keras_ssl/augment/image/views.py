"""The two views of SimCLR and of BYOL."""

from keras_ssl.augment.image.color_jitter import simclr_jitter
from keras_ssl.augment.image.crop import random_resized_crop
from keras_ssl.augment.image.distort import distort
from keras_ssl.augment.image.pixels import from_unit_range, to_unit_range


def simclr_views(
    images,
    rng,
    size=None,
    strength=1.0,
    crop_scale=(0.08, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    flip=0.5,
    jitter=0.8,
    grayscale=0.2,
    blur=0.5,
    solarize=0.0,
    brightness_mode="multiplicative",
    shuffle=False,
    value_range=None,
    count=2,
):
    """Makes two views of each image, or `count`, as SimCLR does: crop, flip, colour jitter, grey, blur.

    The defaults are the paper's for ImageNet. Small images want less: for CIFAR-10 the paper takes `strength=0.5` and
    `blur=0`. Grey images have no colour to jitter: only brightness and contrast remain, and crops from
    `crop_scale=(0.3, 1.0)` up keep more of what is left to recognise.

    NOTE: Resizing is bilinear, as in torchvision; SimCLR's own code takes bicubic.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        rng: `keras_ssl.random.RowDraws` of as many rows; view `i` draws from its child `view_i`.
        size: Size of the views: int or `(height, width)`. That of `images` if left out.
        strength: Strength of the colour jitter, 0 or more: ranges 0.8, 0.8, 0.8 and 0.2 times this for brightness,
            contrast, saturation and hue.
        crop_scale: `(low, high)`, the part of the image's area in a crop, in `(0, 1]`.
        crop_ratio: `(low, high)`, width over height of a crop.
        flip: Probability of swapping left and right, in `[0, 1]`.
        jitter: Probability of the colour jitter.
        grayscale: Probability of making a view grey.
        blur: Probability of blurring a view.
        solarize: Probability of solarising a view.
        brightness_mode: `"multiplicative"` or `"additive"`, see `color_jitter`.
        shuffle: Whether each view gets the four parts of the jitter in an order of its own.
        value_range: `(low, high)`, the values of black and white. `(0, 255)` for uint8 and `(0, 1)` for float if
            left out.
        count: How many views.

    Returns:
        Tuple of `count` float32 tensors of shape `(rows, *size, channels)`, in the same value range as `images`.

    Raises:
        ValueError: If the rank is not 4, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import simclr_views
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    >>> first, second = simclr_views(images, RowDraws(seed=0, step=0, rows=4), strength=0.5, blur=0.0)
    >>> print(first.shape, first.dtype.name, float(first.numpy().max()) > 1.0)
    (4, 32, 32, 3) float32 True

    Reference: [A simple framework for contrastive learning](https://arxiv.org/abs/2002.05709), appendix A.
    """
    images, value_range = to_unit_range(images, value_range)
    views = []
    for index in range(count):
        draws = rng.child(f"view_{index}")
        view = random_resized_crop(images, draws, size, crop_scale, crop_ratio, flip=flip)
        view = distort(
            view,
            draws,
            **simclr_jitter(strength),
            jitter=jitter,
            grayscale=grayscale,
            blur=blur,
            solarize=solarize,
            brightness_mode=brightness_mode,
            shuffle=shuffle,
        )
        views.append(from_unit_range(view, value_range))
    return tuple(views)


def byol_views(
    images,
    rng,
    size=None,
    brightness=0.4,
    contrast=0.4,
    saturation=0.2,
    hue=0.1,
    crop_scale=(0.08, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    flip=0.5,
    jitter=0.8,
    grayscale=0.2,
    blur=(1.0, 0.1),
    solarize=(0.0, 0.2),
    brightness_mode="additive",
    shuffle=True,
    value_range=None,
):
    """Makes two views of each image as BYOL does: crop, flip, colour jitter, grey, blur, solarisation.

    The views differ: the first is always blurred, the second seldom blurred but sometimes solarised. The defaults
    are the paper's for ImageNet; small images want no blur, `blur=(0, 0)`.

    NOTE: Resizing is bilinear; the paper takes bicubic.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        rng: `keras_ssl.random.RowDraws` of as many rows; the views draw from its children `view_0`, `view_1`.
        size: Size of the views: int or `(height, width)`. That of `images` if left out.
        brightness: Range of brightness, see `color_jitter`.
        contrast: Range of contrast.
        saturation: Range of saturation; passed over unless there are three channels.
        hue: Range of hue, in turns; passed over unless there are three channels.
        crop_scale: `(low, high)`, the part of the image's area in a crop, in `(0, 1]`.
        crop_ratio: `(low, high)`, width over height of a crop.
        flip: Probability of swapping left and right, in `[0, 1]`.
        jitter: Probability of the colour jitter.
        grayscale: Probability of making a view grey.
        blur: Pair, the probability of blurring the first and the second view.
        solarize: Pair, the probability of solarising the first and the second view.
        brightness_mode: `"additive"` or `"multiplicative"`, see `color_jitter`.
        shuffle: Whether each view gets the four parts of the jitter in an order of its own.
        value_range: `(low, high)`, the values of black and white. `(0, 255)` for uint8 and `(0, 1)` for float if
            left out.

    Returns:
        Tuple of two float32 tensors of shape `(rows, *size, channels)`, in the same value range as `images`.

    Raises:
        ValueError: If the rank is not 4, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import byol_views
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).random((4, 16, 16, 3))
    >>> first, second = byol_views(images, RowDraws(seed=0, step=0, rows=4), blur=(0.0, 0.0))
    >>> print(second.shape, float(second.numpy().max()) <= 1.0)
    (4, 16, 16, 3) True

    Reference: [Bootstrap your own latent](https://arxiv.org/abs/2006.07733), appendix B.
    """
    for name, pair in (("blur", blur), ("solarize", solarize)):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ValueError(f"`{name}` must be a pair, one probability for each view. Received: {name}={pair!r}")
    images, value_range = to_unit_range(images, value_range)
    views = []
    for index in (0, 1):
        draws = rng.child(f"view_{index}")
        view = random_resized_crop(images, draws, size, crop_scale, crop_ratio, flip=flip)
        view = distort(
            view,
            draws,
            brightness=brightness,
            contrast=contrast,
            saturation=saturation,
            hue=hue,
            jitter=jitter,
            grayscale=grayscale,
            blur=blur[index],
            solarize=solarize[index],
            brightness_mode=brightness_mode,
            shuffle=shuffle,
        )
        views.append(from_unit_range(view, value_range))
    return tuple(views)
