"""What a trained encoder must beat: its own architecture untrained, and no encoder at all."""

import keras
import tensorflow as tf

from keras_ssl import backbones
from keras_ssl.evaluation.extract_features import collect
from keras_ssl.evaluation.seeding import seeded


def random_encoder(encoder, seed=0):
    """The same architecture with fresh weights.

    Normalization layers keep what they were adapted to, since that belongs to the input; a T5's embeddings are drawn as
    `keras_ssl.backbones.redraw_equal_embeddings` does it. The caller's random state
    is left as it was. Initializers with a seed of their own draw what they always draw.

    Args:
        encoder: a Functional or Sequential Keras model; nested models are renewed as well.
        seed: int, of the new weights.

    Returns:
        A Keras model of the same inputs and outputs.

    Raises:
        ValueError: If `encoder` is not a Functional or Sequential model.

    Example:

    >>> import keras
    >>> from keras_ssl import evaluation
    >>> encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> untrained = evaluation.random_encoder(encoder, seed=3)
    >>> bool((untrained.weights[0].numpy() == encoder.weights[0].numpy()).any())
    False
    """
    if not isinstance(encoder, keras.Sequential) and not getattr(encoder, "inputs", None):
        raise ValueError(
            "`encoder` must be a Functional or Sequential model, built already. "
            f"Received: encoder of type {type(encoder).__name__}"
        )
    with seeded(seed):
        fresh = backbones.redraw_equal_embeddings(keras.models.clone_model(encoder))
    for old, new in zip(_normalizations(encoder), _normalizations(fresh), strict=True):
        new.set_weights(old.get_weights())
        new.finalize_state()
    return fresh


def raw_features(data, batch_size=256):
    """The input itself as features, flattened: what can be had without an encoder.

    Args:
        data: as for `extract_features`, but with one array of numbers as `x`.
        batch_size: int, rows at a time.

    Returns:
        As `extract_features`: float32 features of shape `(rows, numbers in one input)`, and labels or None.

    Raises:
        ValueError: If the input is not one array of numbers.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import evaluation
    >>> evaluation.raw_features(np.zeros((3, 2, 2, 1), "uint8"))[0].shape
    (3, 4)
    """
    return collect(_flatten, data, batch_size)


def _flatten(x):
    if isinstance(x, dict | list | tuple) or tf.as_dtype(x.dtype) == tf.string:
        raise ValueError(f"`data` must have one array of numbers as input for raw features. Received: x={x!r}")
    return tf.cast(tf.reshape(x, (x.shape[0], -1)), "float32")


def _normalizations(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _normalizations(layer)
        elif isinstance(layer, keras.layers.Normalization) and layer.input_mean is None:
            yield layer
