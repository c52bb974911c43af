"""Layer-wise adaptive rate scaling, for large batches."""

import keras
from keras import ops

from keras_ssl.optimizers.coupled_sgd import CoupledSGD


@keras.saving.register_keras_serializable("keras_ssl")
def one_dimensional(variable):
    """True for biases and for the scales and shifts of normalisation layers: what LARS leaves out by default."""
    return len(variable.shape) <= 1


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(CoupledSGD):
    """SGD with momentum whose rate for each weight is proportional to the weight's norm over its gradient's.

    Formula:
        `g = gradient + weight_decay * w`, `r = trust_coefficient * |w| / (|g| + epsilon)` (1 where a norm is 0),
        `v = momentum * v + learning_rate * r * g`, `w = w - v`;
        an excluded weight has no decay and `r = 1`.

    The decay is coupled (it is part of the gradient), as in SimCLR's and BYOL's code, unlike Keras's own optimizers.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        momentum: float in [0, 1).
        weight_decay: float, at least 0.
        trust_coefficient: float above 0.
        epsilon: float, added to the norm of the gradient.
        nesterov: bool.
        exclude: function of a `keras.Variable` that is true for weights without decay and adaptation. Register it with
            `keras.saving.register_keras_serializable`, and it is saved with the optimizer. None excludes nothing.
        **kwargs: `name`, `clipnorm`, `gradient_accumulation_steps`, ... of `keras.optimizers.Optimizer`.

    Example:

    >>> import keras
    >>> from keras_ssl.optimizers import LARS
    >>> weight = keras.Variable([[3.0, 4.0]])
    >>> optimizer = LARS(learning_rate=1.0, momentum=0.0, trust_coefficient=0.1)
    >>> optimizer.apply([keras.ops.convert_to_tensor([[0.0, 2.0]])], [weight])  # |w| = 5, |g| = 2: r = 0.25
    >>> weight.numpy().round(2).tolist()
    [[3.0, 3.5]]

    Reference: arXiv 1708.03888, algorithm 1; as used by SimCLR, arXiv 2002.05709, appendix B.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=0.0,
        trust_coefficient=0.001,
        epsilon=0.0,
        nesterov=False,
        exclude=one_dimensional,
        name="lars",
        **kwargs,
    ):
        super().__init__(learning_rate, momentum, weight_decay, nesterov, exclude, name=name, **kwargs)
        if trust_coefficient <= 0:
            raise ValueError(f"`trust_coefficient` must be positive. Received: trust_coefficient={trust_coefficient}")
        self.trust_coefficient = trust_coefficient
        self.epsilon = epsilon

    def adaptation(self, variable, gradient):
        """The trust ratio of a weight, given its gradient with decay: scalar."""
        weight_norm = ops.sqrt(ops.sum(ops.square(ops.convert_to_tensor(variable))))
        gradient_norm = ops.sqrt(ops.sum(ops.square(gradient)))
        defined = ops.logical_and(weight_norm > 0, gradient_norm > 0)
        safe_norm = ops.where(defined, gradient_norm + self.epsilon, 1.0)
        return ops.where(defined, self.trust_coefficient * weight_norm / safe_norm, 1.0)

    def move(self, variable, velocity, gradient, rate):
        """Moves the velocity, which holds the rates of the steps that it adds up, and the variable by it."""
        moved = self.momentum * ops.convert_to_tensor(velocity) + rate * gradient
        self.assign(velocity, moved)
        self.assign_sub(variable, self.momentum * moved + rate * gradient if self.nesterov else moved)

    def get_config(self):
        return {**super().get_config(), "trust_coefficient": self.trust_coefficient, "epsilon": self.epsilon}
