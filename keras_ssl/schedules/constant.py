"""The same value at every step."""

import keras

from keras_ssl.schedules.schedule import Schedule


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
