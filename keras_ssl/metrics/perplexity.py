"""Perplexity: among how many tokens the model is as unsure as if all were equally likely."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_ssl")
class Perplexity(keras.metrics.Mean):
    """Perplexity of all tokens since the last reset, from their cross-entropies.

    Formula:
        `exp(sum_i w_i * loss_i / sum_i w_i)`

    It is not the mean of the batches' perplexities, which is larger and changes with the batch size.

    NOTE: `keras_hub.metrics.Perplexity` takes labels and logits; this takes losses in nats, which an objective has
    computed already.

    Args:
        name: str, name of the metric.
        dtype: as for `keras.metrics.Mean`.

    Example:

    >>> import math
    >>> from keras_ssl import metrics
    >>> perplexity = metrics.Perplexity()
    >>> perplexity.update_state(math.log(2.0), sample_weight=3.0)
    >>> perplexity.update_state(math.log(32.0), sample_weight=1.0)
    >>> round(float(perplexity.result()), 3)
    4.0
    """

    def __init__(self, name="perplexity", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def result(self):
        """Scalar, at least 1; 1 before the first token, infinity where float32 ends."""
        return ops.exp(super().result())
