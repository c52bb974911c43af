"""A schedule that counts updates, not micro-batches."""

import keras
import tensorflow as tf

from keras_ssl.schedules.schedule import Schedule


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
