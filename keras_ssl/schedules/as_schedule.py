"""A schedule from whatever stands for one."""

from keras_ssl.schedules.constant import Constant
from keras_ssl.schedules.schedule import Schedule


def as_schedule(value):
    """A schedule from a schedule (a copy, since it will be bound) or a number (constant)."""
    if isinstance(value, Schedule):
        return type(value).from_config(value.get_config())
    return value if callable(value) else Constant(float(value))
