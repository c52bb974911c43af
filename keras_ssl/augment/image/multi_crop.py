"""Views of two sizes: a few large crops and many small ones."""

from keras_ssl.augment.image.crop import random_resized_crop
from keras_ssl.augment.image.pixels import check_size, from_unit_range, to_unit_range


def multi_crop(
    images,
    rng,
    global_size,
    local_size,
    global_count=2,
    local_count=6,
    global_scale=(0.14, 1.0),
    local_scale=(0.05, 0.14),
    ratio=(3 / 4, 4 / 3),
    flip=0.5,
    effect=None,
    value_range=None,
):
    """Makes several views of each image: large crops of much of it and small crops of a little.

    The defaults are SwAV's (224 and 96 pixels there); DINO takes the scales `(0.4, 1.0)` and `(0.05, 0.4)`.

    Args:
        images: Tensor of shape `(rows, height, width, channels)`, uint8 or float.
        rng: `keras_ssl.random.RowDraws` of as many rows; view `i` draws from its child `view_i`.
        global_size: Size of the large crops: int or `(height, width)`.
        local_size: Size of the small crops.
        global_count: How many large crops, 0 or more.
        local_count: How many small crops, 0 or more.
        global_scale: `(low, high)`, the part of the image's area in a large crop, in `(0, 1]`.
        local_scale: The same for a small crop.
        ratio: `(low, high)`, width over height of a crop.
        flip: Probability of swapping left and right, in `[0, 1]`.
        effect: What to do to each crop, `effect(crop, rng)` on floats in `[0, 1]`, for instance `distort`; or a
            tuple with one for each view, the large ones first. Nothing if left out.
        value_range: `(low, high)`, the values of black and white. `(0, 255)` for uint8 and `(0, 1)` for float if
            left out.

    Returns:
        Tuple of float32 tensors, `global_count` of shape `(rows, *global_size, channels)` and then `local_count` of
        shape `(rows, *local_size, channels)`, in the same value range as `images`.

    Raises:
        ValueError: If the rank is not 4, `effect` does not fit the number of views, or an argument is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.augment.image import distort, multi_crop
    >>> from keras_ssl.random import RowDraws
    >>> images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    >>> views = multi_crop(images, RowDraws(seed=0, step=0, rows=4), 32, 16, local_count=2, effect=distort)
    >>> [view.shape[1] for view in views]
    [32, 32, 16, 16]

    Reference: [Unsupervised learning by contrasting cluster assignments](https://arxiv.org/abs/2006.09882);
    [Emerging properties in self-supervised vision transformers](https://arxiv.org/abs/2104.14294).
    """
    global_size, local_size = check_size("global_size", global_size), check_size("local_size", local_size)
    for name, count in (("global_count", global_count), ("local_count", local_count)):
        if not isinstance(count, int) or count < 0:
            raise ValueError(f"`{name}` must be an int, 0 or more. Received: {name}={count!r}")
    crops = [(global_size, global_scale)] * global_count + [(local_size, local_scale)] * local_count
    effects = tuple(effect) if isinstance(effect, (tuple, list)) else (effect,) * len(crops)
    if len(effects) != len(crops):
        raise ValueError(
            f"`effect` must be one function, or one for each of the {len(crops)} views. Received: effect={effect!r}"
        )
    images, value_range = to_unit_range(images, value_range)
    views = []
    for index, ((size, scale), apply) in enumerate(zip(crops, effects, strict=True)):
        draws = rng.child(f"view_{index}")
        view = random_resized_crop(images, draws, size, scale, ratio, flip=flip)
        view = view if apply is None else apply(view, draws)
        views.append(from_unit_range(view, value_range))
    return tuple(views)
