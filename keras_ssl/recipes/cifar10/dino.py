"""DINO on CIFAR-10.

keras-ssl pretrain dino_cifar10

Settings: solo-learn, scripts/pretrain/cifar/dino.yaml.
Published: linear 89.52 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import augment, objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Two large crops alone, few prototypes, and a teacher that is slow for the small batch."""
    model = objectives.DINO(
        common.encoder(data),
        projection_widths=(2048, 2048, 256),
        prototype_count=4096,
        teacher_temperature=schedules.LinearWarmup(0.04, 0.07, warmup_epochs=50),
        momentum=schedules.CosineMomentum(start=0.9995),
        augment=common.large_crops(augment.image.dino_views, data, blur=(0.0, 0.0, 0.0)),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.3, weight_decay=1e-6))
    return model


RECIPE = common.recipe("dino", "DINO", "2104.14294", build)
