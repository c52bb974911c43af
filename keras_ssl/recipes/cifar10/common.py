"""What the recipes for CIFAR-10 share: encoder, views, budget.

NOTE: There is no blur, as in the scripts whose figures solo-learn published; some of its later configs have it.
"""

from keras_ssl import augment, backbones
from keras_ssl.recipes import published
from keras_ssl.recipes.recipe import Recipe


def encoder(data):
    """ResNet-18 with the stem for small pictures: 3 x 3, no pooling."""
    return backbones.small_image_resnet(data.image_shape, widths=(64, 128, 256, 512), blocks_per_stage=2)


def symmetric_views(**options):
    """Two views as strongly changed as in `symmetric.yaml`; `strength=0.5` is `symmetric_weak.yaml`."""
    return published.symmetric_views(**{"blur": 0.0, **options})


def asymmetric_views(**options):
    """Two views as in `asymmetric.yaml`: the second one solarised with probability .2."""
    return published.asymmetric_views(**{"blur": (0.0, 0.0), **options})


def large_crops(function, data, **options):
    """Views of a function for large and small crops, without the small ones."""
    settings = {"global_size": data.image_shape[:2], "global_scale": (0.08, 1.0), "local_count": 0}
    return augment.Augmentation(function, **settings, **options)


def recipe(name, objective, paper, build, epochs=1000, batch_size=256):
    """The recipe, at solo-learn's budget if none is given."""
    return Recipe(
        name=f"{name}_cifar10",
        objective=objective,
        summary=f"{objective} with a ResNet-18 on CIFAR-10",
        paper=paper,
        data="cifar10",
        epochs=epochs,
        batch_size=batch_size,
        build=build,
        tested=False,
    )
