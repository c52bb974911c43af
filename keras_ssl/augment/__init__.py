"""Views of the data: batched, stateless, one draw for each row of the global batch."""

import keras

from keras_ssl.augment import image, text
from keras_ssl.augment.augmentation import Augmentation

__all__ = ["Augmentation", "image", "text"]

# So that a model saves the functions by which it makes its views, and finds them again.
for _name in image.__all__:
    keras.saving.register_keras_serializable("keras_ssl")(getattr(image, _name))
