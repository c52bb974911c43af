"""A strong and a weak view, for a student and its teacher."""

from keras_ssl.augment.image.views import simclr_views


def ressl_views(
    images,
    rng,
    size=None,
    strength=0.5,
    crop_scale=(0.2, 1.0),
    crop_ratio=(3 / 4, 4 / 3),
    flip=0.5,
    jitter=0.8,
    grayscale=0.2,
    blur=0.5,
    solarize=0.0,
    shuffle=True,
    value_range=None,
):
    """Makes two views of each image as ReSSL does: one with all of SimCLR's effects, one that is cropped and flipped.

    The teacher sees the weak one, so that what it says of a picture's likeness to others can be relied on. The defaults
    are the paper's for ImageNet; small images want no blur, `blur=0`.

    Args:
        images, rng, size, strength, crop_ratio, flip, jitter, grayscale, blur, solarize, shuffle, value_range: See
            `simclr_views`; the effects from `jitter` to `shuffle` are for the first view alone.
        crop_scale: `(low, high)`, the part of the image's area in a crop, in `(0, 1]`, for both views.

    Returns:
        Tuple of two float32 tensors of shape `(rows, *size, channels)`, the strong view and the weak one, in the same
        value range as `images`.

    Raises:
        ValueError: If the rank is not 4, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import ressl_views
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    >>> strong, weak = ressl_views(images, RowDraws(seed=0, step=0, rows=4), blur=0.0)
    >>> print(strong.shape, weak.shape)
    (4, 32, 32, 3) (4, 32, 32, 3)

    Reference: [ReSSL](https://arxiv.org/abs/2107.09282), section 3.3; the ranges are those of its code.
    """
    both = {
        "size": size,
        "crop_scale": crop_scale,
        "crop_ratio": crop_ratio,
        "flip": flip,
        "value_range": value_range,
        "count": 1,
    }
    colors = {"strength": strength, "jitter": jitter, "grayscale": grayscale, "blur": blur, "solarize": solarize}
    strong = simclr_views(images, rng.child("strong"), **both, **colors, shuffle=shuffle)
    weak = simclr_views(images, rng.child("weak"), **both, jitter=0.0, grayscale=0.0, blur=0.0)
    return strong + weak
