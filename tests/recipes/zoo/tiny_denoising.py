"""A recipe that trains in a moment, for the tests of runs and of the command line. It is found like any other."""

import keras
from keras import ops

from keras_ssl import losses, objectives
from keras_ssl.recipes.recipe import Recipe


@keras.saving.register_keras_serializable("keras_ssl_tests")
class Denoising(objectives.SelfSupervisedModel):
    """Noisy pictures are to have the features of clean ones."""

    terms = ("distance",)

    def views(self, batch, rng, training):
        clean = ops.cast(batch["x"], "float32")
        return clean, clean + 20.0 * rng.normal("noise", shape=self.encoder.input_shape[1:])

    def forward(self, views, training):
        clean, noisy = (self.encode(x, training) for x in views)
        return {"z": clean, "noisy": noisy}

    def objective(self, outputs):
        return {"distance": losses.negative_cosine(outputs["noisy"], outputs["z"])}


def encoder(image_shape, width=6):
    return keras.Sequential(
        [
            keras.Input(image_shape),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(width),
        ]
    )


def build(data, seed):
    model = Denoising(encoder(data.image_shape), seed=seed)
    model.compile(keras.optimizers.Adam(1e-3))
    return model


RECIPE = Recipe(
    name="tiny_denoising",
    objective="Denoising",
    summary="A dense layer on pictures of 8 x 8",
    paper="0000.00000",
    data="given by each test",
    epochs=2,
    batch_size=32,
    build=build,
    scores={"knn": 0.5},
)
