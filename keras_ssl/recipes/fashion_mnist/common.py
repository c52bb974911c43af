"""What the recipes for the Fashion-MNIST sample share: encoder, views, optimizer, budget."""

import keras

from keras_ssl import augment, backbones, schedules
from keras_ssl.recipes.recipe import Recipe


def encoder(data, any_size=False):
    """A small ResNet; for pictures of any size where views differ in size."""
    shape = (None, None, data.image_shape[-1]) if any_size else data.image_shape
    return backbones.small_image_resnet(shape, widths=(32, 64, 128), stem_strides=2, pooling="max")


def views(**options):
    """Two strongly changed crops.

    Grey pictures have no colour to jitter, and two crops of one picture are easily told by their brightness alone:
    strong jitter and inverted tones take that away (SimCLR's kNN after five epochs: .808 without, .839 with them).
    """
    settings = {"strength": 1.0, "solarize": 0.2, "blur": 0.0, "crop_scale": (0.2, 1.0)}
    return augment.Augmentation(augment.image.simclr_views, **{**settings, **options})


def crops(local_count=2, **options):
    """Two large crops and some small ones, changed as those of `views`."""
    jitter = augment.image.simclr_jitter(1.0)
    effect = augment.Augmentation(augment.image.distort, **jitter, solarize=0.2, blur=0.0)
    settings = {"global_size": 28, "local_size": 12, "global_scale": (0.3, 1.0), "local_scale": (0.1, 0.3)}
    settings |= {"local_count": local_count, "effect": effect}
    return augment.Augmentation(augment.image.multi_crop, **{**settings, **options})


def compiled(model, rate=3e-3, weight_decay=1e-4):
    """The model with AdamW and a cosine: the papers' large-batch optimizers want more steps than there are here."""
    model.compile(keras.optimizers.AdamW(schedules.WarmupCosine(peak=rate), weight_decay=weight_decay))
    return model


def recipe(name, objective, paper, build, scores=None, epochs=10):
    """The recipe at the common budget."""
    return Recipe(
        name=f"{name}_fashion_mnist",
        objective=objective,
        summary=f"{objective} with a small ResNet on 10,000 grey pictures of clothes",
        paper=paper,
        data="fashion_mnist_sample",
        epochs=epochs,
        batch_size=64,
        build=build,
        scores=scores or {},
    )
