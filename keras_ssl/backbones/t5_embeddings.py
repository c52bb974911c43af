"""What a new T5 of keras-hub needs before it can learn from nothing."""

import keras
from keras import ops


def redraw_equal_embeddings(model):
    """Draws token embeddings anew that are nearly the same vector for every piece, as those of a new `T5Backbone` are.

    T5's authors draw embeddings about 0 with a deviation of 1. keras-hub's `T5Backbone` gives its initializer this 1 as
    the mean and leaves the deviation at .05, so that its encoder cannot tell pieces apart, and a training that starts
    there goes nowhere for hundreds of steps. Embeddings that have been trained, and those of other backbones, stay as
    they are.

    Args:
        model: built backbone of keras-hub, or a Functional or Sequential model with one inside. It is changed in place,
            with Keras's global seed.

    Returns:
        `model`.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import backbones
    >>> backbone = keras_hub.models.T5Backbone(99, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8)
    >>> backbone = backbones.redraw_equal_embeddings(backbone)
    >>> bool(abs(backbone.token_embedding.embeddings.numpy().mean()) < 0.2)
    True

    Reference: T5, arXiv 1910.10683, and the initializer of its code, `mesh_tensorflow/layers.py`.
    """
    for embeddings in _embeddings(model):
        if _are_equal(embeddings):
            embeddings.assign(keras.random.normal(embeddings.shape, dtype=embeddings.dtype))
    return model


def has_equal_embeddings(model):
    """Whether token embeddings of a model are nearly the same vector for every piece: bool."""
    return any(_are_equal(embeddings) for embeddings in _embeddings(model))


def _embeddings(model):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _embeddings(layer)
        elif isinstance(layer, keras.layers.Embedding) and layer.name == "token_embedding":  # keras-hub's name for it
            yield layer.embeddings


def _are_equal(embeddings):
    values = ops.convert_to_numpy(ops.cast(embeddings, "float32"))
    # A deviation of .05 about 1 is far from this, and a trained embedding on the other side of it.
    return abs(values.mean()) > 5 * values.std()
