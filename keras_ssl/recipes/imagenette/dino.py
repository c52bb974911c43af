"""DINO on Imagenette.

keras-ssl pretrain dino_imagenette

Settings: lightly, imagenette_benchmark.py; there the head has batch normalisation.
Published: kNN 88.1 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import augment, objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Two large crops and six small ones, few prototypes, and a quick teacher at one temperature."""
    crops = augment.Augmentation(augment.image.dino_views, global_size=128, local_size=64, local_count=6)
    model = objectives.DINO(
        common.encoder(data, any_size=True),
        projection_widths=(2048, 2048, 256),
        prototype_count=2048,
        teacher_temperature=0.04,
        frozen_epochs=0,
        momentum=0.99,
        augment=crops,
        seed=seed,
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("dino", "DINO", "2104.14294", build)
