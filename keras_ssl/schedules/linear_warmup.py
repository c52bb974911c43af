"""A line from one value to another."""

import keras
from keras import ops

from keras_ssl.schedules.schedule import Schedule


@keras.saving.register_keras_serializable("keras_ssl")
class LinearWarmup(Schedule):
    """A line from one value to another, which then stays: the temperature of a teacher.

    Formula:
        `start + (end - start) * min(step / warmup, 1)`

    NOTE: DINO's code moves the temperature once an epoch, this at every step.

    Args:
        start: float, the value at step 0.
        end: float, the value from the end of the warm-up on.
        warmup_epochs: float, length of the warm-up in epochs, if not given in steps. It is not cut in a shorter
            training, which ends below `end`.
        warmup_steps: int, length of the warm-up in optimizer steps, or None.

    Example:

    >>> temperature = LinearWarmup(start=0.04, end=0.07, warmup_steps=10)
    >>> [round(float(temperature(step)), 3) for step in (0, 5, 10, 20)]
    [0.04, 0.055, 0.07, 0.07]

    Reference: DINO, arXiv 2104.14294, section 3.2.
    """

    def __init__(self, start, end, warmup_epochs=30, warmup_steps=None):
        super().__init__()
        for argument, value in {"warmup_epochs": warmup_epochs, "warmup_steps": warmup_steps}.items():
            if value is not None and value < 0:
                raise ValueError(f"`{argument}` must not be negative. Received: {argument}={value}")
        self.start = start
        self.end = end
        self.warmup_epochs = warmup_epochs
        self.warmup_steps = warmup_steps

    def value(self, step):
        warmup = self.warmup_steps
        if warmup is None:
            clock = self._bound_clock("`warmup_steps` must be given")
            warmup = self.warmup_epochs * ops.cast(clock.steps_per_epoch, "float32")
        return self.start + (self.end - self.start) * ops.clip(step / ops.maximum(warmup, 1.0), 0.0, 1.0)

    def get_config(self):
        return {
            "start": self.start,
            "end": self.end,
            "warmup_epochs": self.warmup_epochs,
            "warmup_steps": self.warmup_steps,
        }
