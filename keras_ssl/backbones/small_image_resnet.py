"""A residual network for small pictures."""

import keras

_POOLINGS = {"avg": keras.layers.GlobalAveragePooling2D, "max": keras.layers.GlobalMaxPooling2D}


def small_image_resnet(
    input_shape,
    widths=(32, 64, 128, 256),
    blocks_per_stage=1,
    stem_strides=1,
    pooling="avg",
    scale=1 / 255,
    name="small_image_resnet",
):
    """A ResNet for pictures of about 28 to 96 pixels: 3x3 stem, no max-pooling between stages.

    It is a functional model of core Keras layers, so it loads wherever Keras is installed. Each stage but the first
    halves height and width.

    Args:
        input_shape: tuple `(height, width, channels)`.
        widths: tuple of ints, channels of each stage; the last is the width of the features.
        blocks_per_stage: int, residual blocks (two 3x3 convolutions each) in a stage.
        stem_strides: int, 1 as in the CIFAR variants; 2 costs a quarter of the time.
        pooling: `"avg"` or `"max"`, over the places of the last map. The paper takes the average; for small aligned
            pictures the maximum gave better neighbours.
        scale: float, factor for the pixels that come in; 1/255 for 0..255.
        name: str.

    Returns:
        Functional model from pixels `(batch, height, width, channels)` to features `(batch, widths[-1])`.

    Raises:
        ValueError: If a shape, a width or a number of blocks cannot be.

    Example:

    >>> from keras_ssl import backbones
    >>> backbones.small_image_resnet((28, 28, 1), widths=(8, 16)).output_shape
    (None, 16)

    Reference: Deep residual learning, arXiv 1512.03385, section 4.2; the stem for small pictures as in SimCLR, arXiv
    2002.05709, appendix B.9.
    """
    if len(input_shape) != 3 or None in input_shape[2:]:
        raise ValueError(f"`input_shape` must be (height, width, channels). Received: input_shape={input_shape}")
    if not widths or min(widths) < 1:
        raise ValueError(f"`widths` must name at least one positive width. Received: widths={widths}")
    if blocks_per_stage < 1:
        raise ValueError(f"`blocks_per_stage` must be at least 1. Received: blocks_per_stage={blocks_per_stage}")
    if pooling not in _POOLINGS:
        raise ValueError(f"`pooling` must be 'avg' or 'max'. Received: pooling={pooling!r}")
    inputs = keras.Input(tuple(input_shape), name="images")
    x = keras.layers.Rescaling(scale)(inputs)
    x = _convolve(x, widths[0], strides=stem_strides)
    x = keras.layers.ReLU()(x)
    for stage, width in enumerate(widths):
        for block in range(blocks_per_stage):
            x = _residual_block(x, width, strides=2 if stage > 0 and block == 0 else 1)
    features = _POOLINGS[pooling](name="features")(x)
    return keras.Model(inputs, features, name=name)


def _residual_block(x, width, strides):
    shortcut = x
    if strides != 1 or x.shape[-1] != width:
        shortcut = _convolve(x, width, kernel_size=1, strides=strides)
    x = keras.layers.ReLU()(_convolve(x, width, strides=strides))
    return keras.layers.ReLU()(keras.layers.Add()([_convolve(x, width), shortcut]))


def _convolve(x, width, kernel_size=3, strides=1):
    x = keras.layers.Conv2D(
        width, kernel_size, strides=strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    # The paper's momentum and epsilon: Keras's own defaults are .99 and 1e-3.
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
