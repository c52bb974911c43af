"""SwAV on CIFAR-10.

keras-ssl pretrain swav_cifar10

Settings: solo-learn, scripts/pretrain/cifar/swav.yaml.
Published: linear 89.17 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import augment, objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Two large crops alone, and a queue of 15 batches for the 3,000 prototypes."""
    model = objectives.SwAV(
        common.encoder(data),
        projection_widths=(2048, 128),
        prototype_count=3000,
        frozen_epochs=2,
        queue_size=3840,
        queue_start=50,
        augment=common.large_crops(augment.image.swav_views, data, blur=0.0),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.6, weight_decay=1e-6))
    return model


RECIPE = common.recipe("swav", "SwAV", "2006.09882", build)
