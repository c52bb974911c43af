"""Random brightness, contrast, saturation and hue."""

import tensorflow as tf

from keras_ssl.augment.image.pixels import check_probability, check_unit_floats, per_row, to_images, to_planes

# For red, green, blue: w = clip(level + slope * |hue + opposite|, 0, 1).
_WEIGHT_OF_HUE = ((2.0, -1.0, -1.0), (-1.0, 1.0, 1.0), (0.0, 1.0, -1.0))


def simclr_jitter(strength=1.0):
    """The four ranges of `color_jitter` that make SimCLR's colour jitter of a given strength: a dict.

    Args:
        strength: Float, 0 or more: 1 for ImageNet, 0.5 for CIFAR-10.

    Returns:
        dict of the floats `brightness`, `contrast`, `saturation` (0.8 strength) and `hue` (0.2 strength).

    Raises:
        ValueError: If `strength` is negative.

    Example:

    >>> from keras_ssl.augment.image import simclr_jitter
    >>> simclr_jitter(0.5)
    {'brightness': 0.4, 'contrast': 0.4, 'saturation': 0.4, 'hue': 0.1}

    Reference: [A simple framework for contrastive learning](https://arxiv.org/abs/2002.05709), appendix A.
    """
    if strength < 0.0:
        raise ValueError(f"`strength` must be 0 or more. Received: strength={strength!r}")
    wide = 0.8 * strength
    return {"brightness": wide, "contrast": wide, "saturation": wide, "hue": 0.2 * strength}


def color_jitter(
    images,
    rng,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    probability=0.8,
    brightness_mode="multiplicative",
    shuffle=False,
):
    """Changes brightness, contrast, saturation and hue of each image at random, and clips to `[0, 1]` after each.

    Formula:

    ```
    brightness   x * f, f in [max(1 - brightness, 0), 1 + brightness]    (additive: x + f, |f| <= brightness)
    contrast     mean + f * (x - mean), mean over the pixels of each channel
    saturation   f * S, at most 1, in HSV
    hue          H + f, |f| <= hue, in HSV, in turns of the colour circle
    ```

    These are `tf.image.adjust_*`, which SimCLR's and BYOL's own code use. Saturation and hue need red, green and
    blue: with any other number of channels than three they are passed over.

    NOTE: torchvision's jitter of the same name takes contrast and saturation about the grey value instead.

    Args:
        images: Float tensor of shape `(rows, height, width, channels)`, in `[0, 1]`.
        rng: `keras_ssl.random.RowDraws` of as many rows.
        brightness: Range of the change, 0 or more; 0 leaves it out, as in the next three.
        contrast: Range of the factor about 1, 0 or more.
        saturation: Range of the factor about 1, 0 or more.
        hue: Range of the shift, in turns, in `[0, 0.5]`.
        probability: Probability that an image is changed at all, in `[0, 1]`.
        brightness_mode: `"multiplicative"` as in SimCLR or `"additive"` as in BYOL.
        shuffle: Whether each image gets the four in an order of its own, as in BYOL; else in the order above, that
            of SimCLR's appendix. It makes this effect more than twice as slow.

    Returns:
        float32 tensor of the same shape, in `[0, 1]`.

    Raises:
        ValueError: If the rank is not 4, the rows are not those of `rng`,
            the dtype is not float, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import color_jitter, simclr_jitter
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).random((4, 8, 8, 3))
    >>> color_jitter(images, RowDraws(seed=0, step=0, rows=4), **simclr_jitter(strength=0.5)).shape
    TensorShape([4, 8, 8, 3])

    Reference: [A simple framework for contrastive learning](https://arxiv.org/abs/2002.05709), appendix A;
    [Bootstrap your own latent](https://arxiv.org/abs/2006.07733), appendix B.
    """
    images = check_unit_floats(images, rng)
    _check(brightness, contrast, saturation, hue, probability, brightness_mode)
    has_colors = images.shape[-1] == 3
    draws = rng.child("jitter")
    chosen = draws.bernoulli("apply", probability)

    def drawn(name, low, high, neutral):
        return per_row(tf.where(chosen, draws.uniform(name, low, high), neutral))

    light, shift = 1.0, 0.0
    if brightness_mode == "multiplicative":
        light = drawn("brightness", max(1.0 - brightness, 0.0), 1.0 + brightness, 1.0)
    else:
        shift = drawn("brightness", -brightness, brightness, 0.0)
    spread = drawn("contrast", max(1.0 - contrast, 0.0), 1.0 + contrast, 1.0)
    chroma = drawn("saturation", max(1.0 - saturation, 0.0), 1.0 + saturation, 1.0)
    turn = drawn("hue", -hue, hue, 0.0)

    planes = to_planes(images)
    if shuffle:
        ranks = draws.permutation("order", 4)
        return to_images(_in_random_order(planes, ranks, light, shift, spread, chroma, turn, has_colors))
    if brightness:
        planes = _affine(planes, light, shift)
    if contrast:
        planes = _affine(planes, spread, _towards_mean(planes, spread))
    if has_colors and (saturation or hue):
        planes = _adjust_colors(planes, chroma, turn)
    return to_images(planes)


def _in_random_order(planes, ranks, light, shift, spread, chroma, turn, has_colors):
    """All four effects, in the order that `ranks` of shape `(rows, 4)` gives to each row.

    Saturation and hue commute: one scales the distance from grey, the other turns about it. What matters is how
    many of brightness and contrast come before each, none, one or both: three colour steps cover all orders.
    """
    brightness, contrast, *colors = (per_row(rank) for rank in tf.unstack(ranks, axis=1))
    step_of_chroma, step_of_turn = (tf.cast(brightness < c, "int32") + tf.cast(contrast < c, "int32") for c in colors)
    for step, lights_now in enumerate((brightness < contrast, contrast < brightness, None)):
        if has_colors:
            chroma_now = tf.where(step_of_chroma == step, chroma, 1.0)
            turn_now = tf.where(step_of_turn == step, turn, 0.0)
            planes = _adjust_colors(planes, chroma_now, turn_now)
        if lights_now is not None:
            offset = tf.where(lights_now, shift, _towards_mean(planes, spread))
            planes = _affine(planes, tf.where(lights_now, light, spread), offset)
    return planes


def _affine(planes, factor, offset):
    return tf.clip_by_value(planes * factor + offset, 0.0, 1.0)


def _towards_mean(planes, factor):
    """What `factor * planes` lacks to keep the mean of each channel."""
    return (1.0 - factor) * tf.reduce_mean(planes, axis=(2, 3), keepdims=True)


def _adjust_colors(planes, factor, turn):
    """Scales the saturation and turns the hue of HSV, without branches.

    With V the largest and m the smallest of the three values and C = V - m, the hue counts six sectors from red at
    0: green lies at 2, cyan at 3 and -3, blue at -2. Each value is m + C * w, where w falls from 1 to 0 over one sector
    on either side of two in which it stays.
    """
    red, green, blue = tf.split(planes, 3, axis=1)
    largest = tf.maximum(tf.maximum(red, green), blue)
    smallest = tf.minimum(tf.minimum(red, green), blue)
    chroma = largest - smallest
    from_red = 1.0 + (green + blue - red - smallest) / tf.maximum(chroma, 1e-12)
    hue = tf.where(green < blue, -from_red, from_red) + 6.0 * turn
    hue -= 6.0 * tf.round(hue * (1.0 / 6.0))
    # Saturation is C / V, at most 1.
    chroma = tf.minimum(chroma * factor, largest)
    # Red: 2 - |hue|. Green and blue by the distance from their opposites: |hue + 1| - 1 and |hue - 1| - 1.
    level, slope, opposite = tf.unstack(tf.constant(_WEIGHT_OF_HUE)[:, :, None, None])
    weight = tf.clip_by_value(level + slope * tf.abs(hue + opposite), 0.0, 1.0)
    return (largest - chroma) + chroma * weight


def _check(brightness, contrast, saturation, hue, probability, brightness_mode):
    for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)):
        if value < 0.0:
            raise ValueError(f"`{name}` must be 0 or more. Received: {name}={value!r}")
    if not 0.0 <= hue <= 0.5:
        raise ValueError(f"`hue` must be in [0, 0.5]. Received: hue={hue!r}")
    check_probability("probability", probability)
    if brightness_mode not in ("multiplicative", "additive"):
        raise ValueError(
            f"`brightness_mode` must be 'multiplicative' or 'additive'. Received: brightness_mode={brightness_mode!r}"
        )
