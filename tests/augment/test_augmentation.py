import json

import keras
import numpy as np

from keras_ssl import augment
from keras_ssl.random import RowDraws


def test_options_that_are_functions_come_back(rng):
    """A function as an option, also one with options of its own, was a dict after a reload."""
    effect = augment.Augmentation(augment.image.distort, blur=0.0, solarize=0.5)
    for option in (effect, augment.image.distort, (effect,) * 3):
        sizes = {"global_size": 8, "local_size": 4, "local_count": 1}
        views = augment.Augmentation(augment.image.multi_crop, **sizes, effect=option)
        config = json.loads(json.dumps(keras.saving.serialize_keras_object(views)))
        again = keras.saving.deserialize_keras_object(config)
        images = rng.integers(0, 256, (2, 8, 8, 3), "uint8")
        for one, other in zip(*(each(images, RowDraws(0, 0, 2)) for each in (views, again)), strict=True):
            np.testing.assert_array_equal(one, other)
