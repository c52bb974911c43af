"""Values as functions of the optimizer step: learning rates, teacher momenta, temperatures.

A schedule may give its lengths in epochs, or as "the whole training". `fit` knows these in steps; it writes them to
the model's `Clock` before the first step is traced, and a schedule that is bound to that clock reads them there.
"""

import math

import keras
import tensorflow as tf
from keras import ops


class Clock(keras.layers.Layer):
    """The counters of a model in training, saved with it.

    Attributes:
        batches_seen: int64 variable. Batches trained on, skipped updates and micro-batches included. It drives all
            randomness and the position in the data.
        batches_at_compile: int64 variable. What `batches_seen` was when the optimizer began at step 0.
        total_steps: int64 variable. Optimizer steps at the end of the running `fit`; 0 before the first.
        steps_per_epoch: float32 variable. Optimizer steps in one epoch.
        global_batch_size: int64 variable. Rows in one batch over all replicas.
    """

    def __init__(self, name="clock", **kwargs):
        super().__init__(name=name, dtype="float32", **kwargs)

        def counter(name, dtype="int64"):
            return self.add_weight(
                shape=(), initializer="zeros", dtype=dtype, trainable=False, aggregation="only_first_replica", name=name
            )

        self.batches_seen = counter("batches_seen")
        self.batches_at_compile = counter("batches_at_compile")
        self.total_steps = counter("total_steps")
        self.steps_per_epoch = counter("steps_per_epoch", "float32")
        self.global_batch_size = counter("global_batch_size")
        self.built = True


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

    def get_config(self):
        return {"total_steps": self.total_steps}

    def _bound_clock(self, wanted):
        if self._clock is None:
            raise ValueError(
                f"{wanted} where {type(self).__name__} is used outside an objective of keras_ssl, whose `fit` would "
                f"plan it. Received: {type(self).__name__}({_arguments(self.get_config())})"
            )
        return self._clock


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
        peak = self.peak
        if self.reference_batch_size is not None:
            clock = self._bound_clock("`reference_batch_size` must be None")
            batch = ops.cast(clock.global_batch_size, "float32")
            peak = peak * ops.where(batch > 0, batch / self.reference_batch_size, 1.0)
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


@keras.saving.register_keras_serializable("keras_ssl")
class PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """Gives a schedule the number of updates where Keras would give it the number of micro-batches.

    Under `gradient_accumulation_steps=4`, Keras calls a learning-rate schedule with a count that rises four times as
    fast as the weights are updated. `SelfSupervisedModel.compile` wraps schedules in this class, so that "ten epochs
    of warm-up" means the same with and without accumulation.

    Args:
        schedule: the `LearningRateSchedule`.
        accumulation: int, micro-batches to an update.
    """

    def __init__(self, schedule, accumulation):
        super().__init__()
        self.schedule = schedule
        self.accumulation = accumulation

    def bind(self, clock):
        """Hands the clock on to the schedule within, if it wants one."""
        bind_schedule(self.schedule, clock)

    def __call__(self, step):
        """The value of the schedule within at this micro-batch."""
        return self.schedule(tf.cast(step, "int64") // self.accumulation)

    def get_config(self):
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "accumulation": self.accumulation}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["schedule"]), config["accumulation"])


def bind_schedule(schedule, clock):
    """Binds a schedule of this package to a clock; leaves those of Keras as they are."""
    if isinstance(schedule, (Schedule, PerUpdate)):
        schedule.bind(clock)
    return schedule


@keras.saving.register_keras_serializable("keras_ssl")
class Constant(Schedule):
    """The same value at every step.

    Args:
        constant: float.
    """

    def __init__(self, constant):
        super().__init__()
        self.constant = constant

    def value(self, step):
        return self.constant + 0.0 * step

    def get_config(self):
        return {"constant": self.constant}


def as_schedule(value):
    """A schedule from a schedule (a copy, since it will be bound) or a number (constant)."""
    if isinstance(value, Schedule):
        return type(value).from_config(value.get_config())
    return value if callable(value) else Constant(float(value))


def _arguments(config):
    return ", ".join(f"{name}={value!r}" for name, value in config.items())
