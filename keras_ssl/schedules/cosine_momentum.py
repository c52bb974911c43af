"""A momentum that rises along half a cosine."""

import math

import keras
from keras import ops

from keras_ssl.schedules.schedule import Schedule


@keras.saving.register_keras_serializable("keras_ssl")
class CosineMomentum(Schedule):
    """Momentum of a teacher that rises from `start` to `end` along half a cosine.

    Formula:
        `end - (end - start) * (1 + cos(pi * step / total)) / 2`

    Args:
        start: float in [0, 1].
        end: float in [0, 1].
        total_steps: int, or None for the whole training as `fit` plans it.

    Example:

    >>> momentum = CosineMomentum(start=0.9, end=1.0, total_steps=10)
    >>> [round(float(momentum(step)), 3) for step in (0, 5, 10)]
    [0.9, 0.95, 1.0]

    Reference: BYOL, arXiv 2006.07733, section 3.3 (`start=0.996`, `end=1`).
    """

    def __init__(self, start=0.996, end=1.0, total_steps=None):
        super().__init__(total_steps)
        if not (0.0 <= start <= 1.0 and 0.0 <= end <= 1.0):
            raise ValueError(f"`start` and `end` must be in [0, 1]. Received: start={start}, end={end}")
        self.start = start
        self.end = end

    def value(self, step):
        return self.end - (self.end - self.start) * 0.5 * (1.0 + ops.cos(math.pi * self.progress(step)))

    def get_config(self):
        return {**super().get_config(), "start": self.start, "end": self.end}
