"""A learning rate that falls in steps, or not at all."""

import keras
from keras import ops

from keras_ssl.schedules.schedule import Schedule


@keras.saving.register_keras_serializable("keras_ssl")
class StepDecay(Schedule):
    """A rate that is multiplied by a factor at given shares of the training; constant where none is given.

    Formula:
        `start * factor ** (how many of the boundaries are at or below step / total)`, where `start` is multiplied by
        `batch / reference_batch_size` if that is given.

    Args:
        start: float, the first value.
        boundaries: tuple of floats in (0, 1), shares of the training after which the value falls. Falls at epochs 120
            and 160 of 200 are `(0.6, 0.8)`; `()` is a constant.
        factor: float above 0.
        total_steps: int, or None for the whole training as `fit` plans it.
        reference_batch_size: int, the batch size that `start` is meant for (linear scaling), or None.

    Raises:
        ValueError: If a boundary is not in (0, 1), or the factor is not positive.

    Example:

    >>> from keras_ssl.schedules import StepDecay
    >>> rate = StepDecay(start=1.0, boundaries=(0.6, 0.8), total_steps=10)
    >>> [round(float(rate(step)), 2) for step in (0, 5, 6, 7, 8, 10)]
    [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]

    Reference: instance discrimination, arXiv 1805.01978, section 4; MoCo, arXiv 1911.05722, section 4.
    """

    def __init__(self, start, boundaries=(), factor=0.1, total_steps=None, reference_batch_size=None):
        super().__init__(total_steps)
        self.start = start
        self.boundaries = tuple(boundaries)
        self.factor = factor
        self.reference_batch_size = reference_batch_size
        if not all(0.0 < boundary < 1.0 for boundary in self.boundaries):
            raise ValueError(f"`boundaries` must be in (0, 1). Received: boundaries={self.boundaries}")
        if not factor > 0:
            raise ValueError(f"`factor` must be positive. Received: factor={factor}")

    def value(self, step):
        value = self.scaled(self.start + 0.0 * step, self.reference_batch_size)
        total = self.resolved_total_steps() if self.boundaries else 0.0
        for boundary in self.boundaries:
            # A hair earlier, since .6 * 10 in float32 is above 6. Where no end is planned, nothing falls.
            reached = ops.logical_and(total > 0, step >= boundary * total * (1.0 - 1e-6))
            value = value * ops.where(reached, self.factor, 1.0)
        return value

    def get_config(self):
        return {
            **super().get_config(),
            "start": self.start,
            "boundaries": list(self.boundaries),
            "factor": self.factor,
            "reference_batch_size": self.reference_batch_size,
        }
