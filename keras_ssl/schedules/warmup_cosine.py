"""Linear warm-up, then half a cosine down."""

import math

import keras
from keras import ops

from keras_ssl.schedules.schedule import Schedule


@keras.saving.register_keras_serializable("keras_ssl")
class WarmupCosine(Schedule):
    """Linear warm-up to a peak, then half a cosine down.

    Formula:
        `peak * step / warmup` for `step < warmup`, then
        `end + (peak - end) * (1 + cos(pi * (step - warmup) / (total - warmup))) / 2`,
        where `peak` is multiplied by `batch / reference_batch_size` if that is given.

    Args:
        peak: float, the value at the end of the warm-up.
        warmup_epochs: float, length of the warm-up in epochs, if not given in steps.
            NOTE: it is cut to a tenth of the training, so that a short try reaches its peak too. The papers train
            for 100 epochs and more, where ten epochs are within the tenth.
        warmup_steps: int, length of the warm-up in optimizer steps, or None.
        total_steps: int, or None for the whole training as `fit` plans it.
        end: float, the value at the end.
        reference_batch_size: int, the batch size that `peak` is meant for (linear scaling), or None.

    Example:

    >>> rate = WarmupCosine(peak=1.0, warmup_steps=10, total_steps=110)
    >>> [round(float(rate(step)), 2) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.5, 1.0, 0.5, 0.0]

    Reference: SGDR, arXiv 1608.03983, eq. 5; warm-up and linear scaling, arXiv 1706.02677.
    """

    def __init__(self, peak, warmup_epochs=10, warmup_steps=None, total_steps=None, end=0.0, reference_batch_size=None):
        super().__init__(total_steps)
        for argument, value in {"warmup_epochs": warmup_epochs, "warmup_steps": warmup_steps}.items():
            if value is not None and value < 0:
                raise ValueError(f"`{argument}` must not be negative. Received: {argument}={value}")
        if reference_batch_size is not None and reference_batch_size < 1:
            raise ValueError(
                "`reference_batch_size` must be positive or None. "
                f"Received: reference_batch_size={reference_batch_size}"
            )
        self.peak = peak
        self.warmup_epochs = warmup_epochs
        self.warmup_steps = warmup_steps
        self.end = end
        self.reference_batch_size = reference_batch_size

    def value(self, step):
        peak = self.scaled(self.peak, self.reference_batch_size)
        warmup = self._resolved_warmup_steps()
        cosine = self.end + (peak - self.end) * 0.5 * (1.0 + ops.cos(math.pi * self.progress(step, warmup)))
        return ops.where(step < warmup, peak * step / ops.maximum(warmup, 1.0), cosine)

    def _resolved_warmup_steps(self):
        if self.warmup_steps is not None:
            return ops.convert_to_tensor(float(self.warmup_steps))
        if not self.warmup_epochs:
            return ops.convert_to_tensor(0.0)
        clock = self._bound_clock("`warmup_steps` must be given")
        epochs = self.warmup_epochs * ops.cast(clock.steps_per_epoch, "float32")
        return ops.minimum(epochs, 0.1 * self.resolved_total_steps())

    def get_config(self):
        return {
            **super().get_config(),
            "peak": self.peak,
            "warmup_epochs": self.warmup_epochs,
            "warmup_steps": self.warmup_steps,
            "end": self.end,
            "reference_batch_size": self.reference_batch_size,
        }
