"""SGD as the papers mean it: with weight decay as a part of the gradient."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_ssl")
class CoupledSGD(keras.optimizers.Optimizer):
    """SGD with momentum and coupled weight decay, step for step `torch.optim.SGD`.

    Formula:
        `g = gradient + weight_decay * w`, `v = momentum * v + g`, `w = w - learning_rate * v`
        (`nesterov`: `w = w - learning_rate * (g + momentum * v)`); an excluded weight has no decay.

    MoCo, SimSiam, ReSSL, instance discrimination and most other papers with SGD mean this one. It differs from
    `keras.optimizers.SGD` in two ways. There, `weight_decay` is decoupled: it does not go through the momentum, so that
    with momentum .9 the same number decays ten times less. And there the velocity holds the learning rates of the steps
    that it adds up, so that a fall of the rate is felt ten steps later; here the rate is that of now.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        momentum: float in [0, 1).
        weight_decay: float, at least 0.
        nesterov: bool.
        exclude: function of a `keras.Variable` that is true for weights without decay, for instance
            `keras_ssl.optimizers.one_dimensional`. A function of your own is saved with the optimizer if it is
            registered with `keras.saving.register_keras_serializable`. None excludes nothing, as in PyTorch.
        **kwargs: `name`, `clipnorm`, `gradient_accumulation_steps`, ... of `keras.optimizers.Optimizer`.

    Raises:
        ValueError: If the momentum is not in [0, 1), or the weight decay is negative.

    Example:

    >>> import keras
    >>> from keras_ssl.optimizers import CoupledSGD
    >>> weight = keras.Variable([2.0])
    >>> optimizer = CoupledSGD(learning_rate=0.5, momentum=0.5, weight_decay=0.25)
    >>> for _ in range(2):  # g = 0.5, v = 0.5; then g = 0.4375, v = 0.6875
    ...     optimizer.apply([keras.ops.zeros(1)], [weight])
    >>> weight.numpy().tolist()
    [1.40625]

    Reference: MoCo, arXiv 1911.05722, section 4; SimSiam, arXiv 2011.10566, section 3, by their code in PyTorch.
    """

    def __init__(
        self,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=0.0,
        nesterov=False,
        exclude=None,
        name="coupled_sgd",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
        if weight_decay < 0:
            raise ValueError(f"`weight_decay` must not be negative. Received: weight_decay={weight_decay}")
        self.momentum = momentum
        # Not `weight_decay`, which the base class would apply apart from the gradient.
        self.coupled_weight_decay = weight_decay
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
        rate = ops.cast(learning_rate, variable.dtype)
        if not self._excluded[index]:
            gradient = gradient + self.coupled_weight_decay * ops.convert_to_tensor(variable)
            rate = rate * self.adaptation(variable, gradient)
        self.move(variable, self._momenta[index], gradient, rate)

    def adaptation(self, variable, gradient):
        """Factor of the rate for a weight that is not excluded, given its gradient with decay: 1."""
        return 1.0

    def move(self, variable, velocity, gradient, rate):
        """Moves the velocity, and the variable by it."""
        moved = self.momentum * ops.convert_to_tensor(velocity) + gradient
        self.assign(velocity, moved)
        self.assign_sub(variable, rate * (gradient + self.momentum * moved if self.nesterov else moved))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "weight_decay": self.coupled_weight_decay,
            "nesterov": self.nesterov,
            "exclude": self.exclude and keras.saving.serialize_keras_object(self.exclude),
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        if config.get("exclude") is not None:
            config["exclude"] = keras.saving.deserialize_keras_object(config["exclude"], custom_objects=custom_objects)
        return super().from_config(config, custom_objects=custom_objects)
