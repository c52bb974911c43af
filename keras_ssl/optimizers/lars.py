"""Layer-wise adaptive rate scaling, for large batches."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_ssl")
def one_dimensional(variable):
    """True for biases and for the scales and shifts of normalisation layers: what LARS leaves out by default."""
    return len(variable.shape) <= 1


@keras.saving.register_keras_serializable("keras_ssl")
class LARS(keras.optimizers.Optimizer):
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
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
        if weight_decay < 0:
            raise ValueError(f"`weight_decay` must not be negative. Received: weight_decay={weight_decay}")
        if trust_coefficient <= 0:
            raise ValueError(f"`trust_coefficient` must be positive. Received: trust_coefficient={trust_coefficient}")
        self.momentum = momentum
        # Not `weight_decay`, which the base class would apply apart from the gradient.
        self.coupled_weight_decay = weight_decay
        self.trust_coefficient = trust_coefficient
        self.epsilon = epsilon
        self.nesterov = nesterov
        self.exclude = exclude

    def build(self, variables):
        """Makes one momentum for each variable, and asks once which variables are excluded."""
        if self.built:
            return
        super().build(variables)
        self._momenta = self.add_optimizer_variables(variables, "momentum")
        self._excluded = [self.exclude is not None and bool(self.exclude(variable)) for variable in variables]

    def update_step(self, gradient, variable, learning_rate):
        """One step for one variable."""
        index = self._get_variable_index(variable)
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(learning_rate, variable.dtype)
        if not self._excluded[index]:
            gradient = gradient + self.coupled_weight_decay * ops.convert_to_tensor(variable)
            step = step * self._trust_ratio(variable, gradient)
        velocity = self._momenta[index]
        moved = self.momentum * ops.convert_to_tensor(velocity) + step * gradient
        self.assign(velocity, moved)
        self.assign_sub(variable, self.momentum * moved + step * gradient if self.nesterov else moved)

    def _trust_ratio(self, variable, gradient):
        weight_norm = ops.sqrt(ops.sum(ops.square(ops.convert_to_tensor(variable))))
        gradient_norm = ops.sqrt(ops.sum(ops.square(gradient)))
        defined = ops.logical_and(weight_norm > 0, gradient_norm > 0)
        safe_norm = ops.where(defined, gradient_norm + self.epsilon, 1.0)
        return ops.where(defined, self.trust_coefficient * weight_norm / safe_norm, 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.coupled_weight_decay,
            "trust_coefficient": self.trust_coefficient,
            "epsilon": self.epsilon,
            "nesterov": self.nesterov,
            "exclude": self.exclude and keras.saving.serialize_keras_object(self.exclude),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        if config.get("exclude") is not None:
            config["exclude"] = keras.saving.deserialize_keras_object(config["exclude"], custom_objects=custom_objects)
        return super().from_config(config, custom_objects=custom_objects)
