"""The views of two sizes of SwAV and of DINO."""

import functools

from keras_ssl.augment.image.color_jitter import simclr_jitter
from keras_ssl.augment.image.distort import distort
from keras_ssl.augment.image.multi_crop import multi_crop


def swav_views(
    images,
    rng,
    global_size=224,
    local_size=96,
    local_count=6,
    global_scale=(0.14, 1.0),
    local_scale=(0.05, 0.14),
    flip=0.5,
    strength=1.0,
    jitter=0.8,
    grayscale=0.2,
    blur=0.5,
    shuffle=True,
    value_range=None,
):
    """Makes two large and several small views of each image as SwAV does, each distorted as in SimCLR.

    The defaults are the paper's for ImageNet. Small images want sizes of their own (32 and 16 pixels), milder jitter
    and no blur; without small views (`local_count=0`) the large ones want `global_scale=(0.08, 1.0)`.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        rng: `keras_ssl.random.RowDraws` of as many rows; view `i` draws from its child `view_i`.
        global_size: Size of the two large views: int or `(height, width)`.
        local_size: Size of the small views.
        local_count: How many small views, 0 or more.
        global_scale: `(low, high)`, the part of the image's area in a large view, in `(0, 1]`.
        local_scale: The same for a small view.
        flip: Probability of swapping left and right, in `[0, 1]`.
        strength: Strength of the colour jitter, see `simclr_views`.
        jitter: Probability of the colour jitter.
        grayscale: Probability of making a view grey.
        blur: Probability of blurring a view.
        shuffle: Whether each view gets the four parts of the jitter in an order of its own.
        value_range: `(low, high)`, the values of black and white. `(0, 255)` for uint8 and `(0, 1)` for float if
            left out.

    Returns:
        Tuple of float32 tensors: two of shape `(rows, *global_size, channels)`, then `local_count` of shape
        `(rows, *local_size, channels)`, in the same value range as `images`.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import swav_views
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    >>> views = swav_views(images, RowDraws(seed=0, step=0, rows=4), global_size=32, local_size=16, local_count=2)
    >>> [view.shape[1] for view in views]
    [32, 32, 16, 16]

    Reference: [Unsupervised learning by contrasting cluster assignments](https://arxiv.org/abs/2006.09882), section
    3.2 and appendix A.
    """
    effect = functools.partial(
        distort, **simclr_jitter(strength), jitter=jitter, grayscale=grayscale, blur=blur, shuffle=shuffle
    )
    sizes = {"global_size": global_size, "local_size": local_size, "local_count": local_count}
    scales = {"global_scale": global_scale, "local_scale": local_scale}
    return multi_crop(images, rng, **sizes, **scales, flip=flip, effect=effect, value_range=value_range)


def dino_views(
    images,
    rng,
    global_size=224,
    local_size=96,
    local_count=8,
    global_scale=(0.4, 1.0),
    local_scale=(0.05, 0.4),
    flip=0.5,
    brightness=0.4,
    contrast=0.4,
    saturation=0.2,
    hue=0.1,
    jitter=0.8,
    grayscale=0.2,
    blur=(1.0, 0.1, 0.5),
    solarize=(0.0, 0.2, 0.0),
    shuffle=True,
    value_range=None,
):
    """Makes two large and several small views of each image as DINO does, distorted as in BYOL.

    The first large view is always blurred; the second seldom, but sometimes solarised; a small one is blurred half of
    the time. The defaults are those of the paper's code for ImageNet. Small images want sizes of their own and no blur,
    `blur=(0, 0, 0)`; without small views (`local_count=0`) the large ones want `global_scale=(0.14, 1.0)`.

    NOTE: Resizing is bilinear; the paper's code takes bicubic.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        rng: `keras_ssl.random.RowDraws` of as many rows; view `i` draws from its child `view_i`.
        global_size: Size of the two large views: int or `(height, width)`.
        local_size: Size of the small views.
        local_count: How many small views, 0 or more.
        global_scale: `(low, high)`, the part of the image's area in a large view, in `(0, 1]`.
        local_scale: The same for a small view.
        flip: Probability of swapping left and right, in `[0, 1]`.
        brightness: Range of brightness, see `color_jitter`.
        contrast: Range of contrast.
        saturation: Range of saturation; passed over unless there are three channels.
        hue: Range of hue, in turns; passed over unless there are three channels.
        jitter: Probability of the colour jitter.
        grayscale: Probability of making a view grey.
        blur: Three probabilities of blurring: the first large view, the second, and each small one.
        solarize: Three probabilities of solarising, likewise.
        shuffle: Whether each view gets the four parts of the jitter in an order of its own.
        value_range: `(low, high)`, the values of black and white. `(0, 255)` for uint8 and `(0, 1)` for float if
            left out.

    Returns:
        Tuple of float32 tensors: two of shape `(rows, *global_size, channels)`, then `local_count` of shape
        `(rows, *local_size, channels)`, in the same value range as `images`.

    Raises:
        ValueError: If `blur` or `solarize` are not three numbers, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import dino_views
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).random((4, 32, 32, 1), "float32")
    >>> views = dino_views(images, RowDraws(seed=0, step=0, rows=4), global_size=32, local_size=16, local_count=1)
    >>> [view.shape[1] for view in views]
    [32, 32, 16]

    Reference: [Emerging properties in self-supervised vision transformers](https://arxiv.org/abs/2104.14294), section
    3.1 and its code.
    """
    for name, three in (("blur", blur), ("solarize", solarize)):
        if not isinstance(three, (tuple, list)) or len(three) != 3:
            raise ValueError(
                f"`{name}` must be three probabilities: the first large view, the second, each small one. "
                f"Received: {name}={three!r}"
            )
    colors = {"brightness": brightness, "contrast": contrast, "saturation": saturation, "hue": hue}
    effects = [
        functools.partial(
            distort, **colors, jitter=jitter, grayscale=grayscale, blur=blurred, solarize=solarized, shuffle=shuffle
        )
        for blurred, solarized in zip(blur, solarize, strict=True)
    ]
    effects = (*effects[:2], *effects[2:] * local_count)
    sizes = {"global_size": global_size, "local_size": local_size, "local_count": local_count}
    scales = {"global_scale": global_scale, "local_scale": local_scale}
    return multi_crop(images, rng, **sizes, **scales, flip=flip, effect=effects, value_range=value_range)
