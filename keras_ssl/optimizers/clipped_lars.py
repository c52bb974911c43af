"""LARS that never goes faster than its learning rate."""

import keras
from keras import ops

from keras_ssl.optimizers.lars import LARS


@keras.saving.register_keras_serializable("keras_ssl")
class ClippedLARS(LARS):
    """LARS whose layer-wise rate is bounded by the learning rate; also known as LARC.

    Formula:
        as `keras_ssl.optimizers.LARS`, with `min(r / learning_rate, 1)` in the place of `r`: each weight moves at the
        rate `min(r, learning_rate)`, that is, as with SGD wherever its gradient is small.

    Args:
        learning_rate, momentum, weight_decay, trust_coefficient, epsilon, nesterov, exclude, **kwargs: see `LARS`.

    Example:

    >>> import keras
    >>> from keras_ssl.optimizers import ClippedLARS
    >>> weight = keras.Variable([[3.0, 4.0]])
    >>> optimizer = ClippedLARS(learning_rate=0.125, momentum=0.0, trust_coefficient=0.1)
    >>> optimizer.apply([keras.ops.convert_to_tensor([[0.0, 2.0]])], [weight])  # r = 0.25, above the rate
    >>> weight.numpy().round(2).tolist()
    [[3.0, 3.75]]

    Reference: arXiv 1708.03888; the bound is that of NVIDIA's Apex, and of solo-learn as `clip_lr`.
    """

    def adaptation(self, variable, gradient):
        """The bounded trust ratio of a weight, relative to the learning rate: scalar in (0, 1]."""
        rate = ops.maximum(ops.cast(self.learning_rate, "float32"), keras.config.epsilon())
        return ops.minimum(super().adaptation(variable, gradient) / rate, 1.0)
