"""A model's features as a compiled function."""

import keras
import tensorflow as tf


class FeatureFunction:
    """The features of a model as one compiled function, for calling `extract_features` again and again.

    It is traced once for each shape of a row, with the batch size left open: the smaller last batch costs nothing.

    Args:
        model: Keras model, called with `training=False`. Of several outputs `model.feature_key` picks one.

    Raises:
        ValueError: When called, if the model has several outputs and names none of them by `feature_key`.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import evaluation
    >>> function = evaluation.FeatureFunction(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    >>> function(np.zeros((8, 4))).shape, function(np.zeros((3, 4))).shape, function.traces
    (TensorShape([8, 2]), TensorShape([3, 2]), 1)
    """

    def __init__(self, model):
        self.model = model
        self._compiled = {}

    @property
    def traces(self):
        """int, how many times the model was traced."""
        return len(self._compiled)

    def __call__(self, x):
        """Float32 Tensor of shape `(batch, features)` for a batch: a tensor, an array, or a dict or tuple of them."""
        x = keras.tree.map_structure(tf.convert_to_tensor, x)
        specs = keras.tree.map_structure(lambda tensor: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype), x)
        key = tuple(keras.tree.flatten(specs))
        if key not in self._compiled:
            # Called directly, a tf.function warns of retracing as soon as a few models were looked at.
            self._compiled[key] = tf.function(self._features).get_concrete_function(specs)
        return self._compiled[key](x)

    def _features(self, x):
        output = self.model(x, training=False)
        if isinstance(output, dict | list | tuple):
            key = getattr(self.model, "feature_key", None)
            if key is None:
                names = list(output) if isinstance(output, dict) else list(range(len(output)))
                raise ValueError(f"`model` must have one output. Received: a model with the outputs {names}")
            output = output[key]
        return tf.cast(output, "float32")
