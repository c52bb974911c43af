"""BYOL with batch normalisation and a teacher, in a moment: for the tests of workers and of crashes."""

import keras
import tensorflow as tf

from keras_ssl import objectives
from keras_ssl.recipes.recipe import Recipe


@keras.saving.register_keras_serializable("keras_ssl_tests")
def noisy_views(x, rng):
    x = tf.cast(x, "float32") / 255
    return tuple(x + 0.1 * rng.normal(f"noise_{view}", shape=tuple(x.shape[1:])) for view in range(2))


def build(data, seed):
    encoder = keras.Sequential(
        [
            keras.Input(data.image_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(8),
            keras.layers.BatchNormalization(momentum=0.9),
        ]
    )
    widths = {"projection_widths": (8, 6), "prediction_widths": (8, 6)}
    model = objectives.BYOL(encoder, augment=noisy_views, momentum=0.9, seed=seed, **widths)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9))
    return model


RECIPE = Recipe(
    name="tiny_byol",
    objective="BYOL",
    summary="A dense layer and a batch normalisation on small pictures",
    paper="2006.07733",
    data="given by each test",
    epochs=2,
    batch_size=32,
    build=build,
    scores={"knn": 0.5},
)
