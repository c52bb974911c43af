"""Linear warm-up, then a straight line down."""

import keras
from keras import ops

from keras_ssl.schedules.schedule import Schedule


@keras.saving.register_keras_serializable("keras_ssl")
class WarmupLinear(Schedule):
    """Linear warm-up to a peak, then a straight line down to zero, as language models are trained.

    Formula:
        `peak * step / warmup` for `step < warmup`, then `peak * (total - step) / (total - warmup)`, where `warmup` is
        `warmup_share * total`.

    Args:
        peak: float, the value at the end of the warm-up.
        warmup_share: float in [0, 1), share of the training that warms up.
        total_steps: int, or None for the whole training as `fit` plans it.

    Raises:
        ValueError: If `warmup_share` is not in [0, 1).

    Example:

    >>> from keras_ssl.schedules import WarmupLinear
    >>> rate = WarmupLinear(peak=1.0, warmup_share=0.2, total_steps=10)
    >>> [round(float(rate(step)), 2) for step in (0, 1, 2, 6, 10)]
    [0.0, 0.5, 1.0, 0.5, 0.0]

    Reference: BERT, arXiv 1810.04805, appendix A.2, where 10,000 of 1,000,000 steps warm up.
    """

    def __init__(self, peak, warmup_share=0.01, total_steps=None):
        super().__init__(total_steps)
        if not 0 <= warmup_share < 1:
            raise ValueError(f"`warmup_share` must be in [0, 1). Received: warmup_share={warmup_share}")
        self.peak = peak
        self.warmup_share = warmup_share

    def value(self, step):
        warmup = self.warmup_share * self.resolved_total_steps()
        rising = self.peak * step / ops.maximum(warmup, 1.0)
        return ops.where(step < warmup, rising, self.peak * (1.0 - self.progress(step, warmup)))

    def get_config(self):
        return {**super().get_config(), "peak": self.peak, "warmup_share": self.warmup_share}
