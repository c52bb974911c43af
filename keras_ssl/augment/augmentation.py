"""A function for views together with its options, as one object that is saved with a model."""

import keras


@keras.saving.register_keras_serializable("keras_ssl")
class Augmentation:
    """Calls a function of `(x, rng)` with fixed options.

    Args:
        function: function `(x, rng, **options)`; those of `keras_ssl.augment` can be saved, and so can your own once
            registered with `keras.saving.register_keras_serializable`.
        **options: keyword arguments of the function.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import augment
    >>> from keras_ssl.random import RowDraws
    >>> views = augment.Augmentation(augment.image.simclr_views, blur=0.0)
    >>> first, second = views(np.zeros((2, 8, 8, 3), "uint8"), RowDraws(seed=0, step=0, rows=2))
    >>> tuple(first.shape)
    (2, 8, 8, 3)
    """

    def __init__(self, function, **options):
        if not callable(function):
            raise ValueError(f"`function` must be callable. Received: function={function!r}")
        self.function = function
        self.options = options

    def __call__(self, x, rng):
        return self.function(x, rng, **self.options)

    def get_config(self):
        """The function and its options."""
        return keras.saving.serialize_keras_object({"function": self.function, "options": self.options})

    @classmethod
    def from_config(cls, config):
        """Makes the augmentation from `get_config`."""
        config = keras.saving.deserialize_keras_object(config)
        return cls(config["function"], **config["options"])
