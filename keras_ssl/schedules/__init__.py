"""Values as functions of the optimizer step: learning rates, teacher momenta, temperatures.

A schedule may give its lengths in epochs, or as "the whole training". `fit` knows these in steps; it writes them to
the model's `Clock` before the first step is traced, and a schedule that is bound to that clock reads them there.
"""

from keras_ssl.schedules.as_schedule import as_schedule
from keras_ssl.schedules.clock import Clock
from keras_ssl.schedules.constant import Constant
from keras_ssl.schedules.cosine_momentum import CosineMomentum
from keras_ssl.schedules.linear_warmup import LinearWarmup
from keras_ssl.schedules.per_update import PerUpdate, bind_schedule
from keras_ssl.schedules.schedule import Schedule
from keras_ssl.schedules.step_decay import StepDecay
from keras_ssl.schedules.warmup_cosine import WarmupCosine
from keras_ssl.schedules.warmup_linear import WarmupLinear

__all__ = [
    "Clock",
    "Constant",
    "CosineMomentum",
    "LinearWarmup",
    "PerUpdate",
    "Schedule",
    "StepDecay",
    "WarmupCosine",
    "WarmupLinear",
    "as_schedule",
    "bind_schedule",
]
