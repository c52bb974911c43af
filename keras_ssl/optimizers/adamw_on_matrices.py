"""AdamW that leaves biases and norms alone."""

import keras


@keras.saving.register_keras_serializable("keras_ssl")
class AdamWOnMatrices(keras.optimizers.AdamW):
    """AdamW whose weight decay falls on matrices alone, not on biases and the scales of normalisation.

    So transformers are trained. Keras's own `exclude_from_weight_decay` says the same, but is forgotten when a model is
    saved; here it is part of the optimizer.

    Args:
        **kwargs: those of `keras.optimizers.AdamW`.

    Example:

    >>> import keras
    >>> from keras_ssl import optimizers
    >>> optimizer = optimizers.AdamWOnMatrices(1.0, weight_decay=0.5)
    >>> matrix, bias = keras.Variable([[1.0]]), keras.Variable([1.0])
    >>> optimizer.build([matrix, bias])
    >>> optimizer.apply([matrix * 0.0, bias * 0.0])
    >>> float(matrix.numpy()[0, 0]), float(bias.numpy()[0])
    (0.5, 1.0)

    Reference: BERT, arXiv 1810.04805, whose code excludes biases and layer normalisation.
    """

    def build(self, variables):
        if not self.built:
            # The biases of attention have a row for each head.
            self.exclude_from_weight_decay(
                var_list=[one for one in variables if len(one.shape) < 2 or one.name.endswith("bias")]
            )
        super().build(variables)
