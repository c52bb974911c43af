"""What a schedule is: a value as a function of the optimizer step."""

import keras
from keras import ops


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A value as a function of the optimizer step. Subclasses implement `value(step)`.

    Args:
        total_steps: int, or None for the whole training as `fit` plans it.
    """

    def __init__(self, total_steps=None):
        super().__init__()
        if total_steps is not None and total_steps < 1:
            raise ValueError(f"`total_steps` must be positive or None. Received: total_steps={total_steps}")
        self.total_steps = total_steps
        self._clock = None

    def bind(self, clock):
        """Reads lengths that were not given in steps from this clock from now on."""
        self._clock = clock

    def __call__(self, step):
        """The value at this optimizer step, a float32 scalar."""
        return self.value(ops.cast(step, "float32"))

    def value(self, step):
        """The value at a float32 step; what a schedule is."""
        raise NotImplementedError

    def progress(self, step, start=0.0):
        """Share of the way from `start` to the end that is done at `step`, in [0, 1]; 0 where no end is planned."""
        total = self.resolved_total_steps()
        done = (step - start) / ops.maximum(total - start, 1.0)
        return ops.where(total > 0, ops.clip(done, 0.0, 1.0), 0.0)

    def resolved_total_steps(self):
        """Steps of the whole schedule: float32 scalar, 0 if neither given nor planned by `fit`."""
        if self.total_steps is not None:
            return ops.convert_to_tensor(float(self.total_steps))
        return ops.cast(self._bound_clock("`total_steps` must be given").total_steps, "float32")

    def scaled(self, value, reference_batch_size):
        """A value that is meant for batches of `reference_batch_size` rows, for those of `fit`; as it is for None."""
        if reference_batch_size is None:
            return value
        batch = ops.cast(self._bound_clock("`reference_batch_size` must be None").global_batch_size, "float32")
        return value * ops.where(batch > 0, batch / reference_batch_size, 1.0)

    def get_config(self):
        return {"total_steps": self.total_steps}

    def _bound_clock(self, wanted):
        if self._clock is None:
            raise ValueError(
                f"{wanted} where {type(self).__name__} is used outside an objective of keras_ssl, whose `fit` would "
                f"plan it. Received: {type(self).__name__}({_arguments(self.get_config())})"
            )
        return self._clock


def _arguments(config):
    return ", ".join(f"{name}={value!r}" for name, value in config.items())
