"""BYOL on CIFAR-10.

keras-ssl pretrain byol_cifar10

Settings: solo-learn, scripts/pretrain/cifar/byol.yaml.
Published: linear 92.58 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """The paper's heads; a teacher that starts quicker than the paper's."""
    model = objectives.BYOL(
        common.encoder(data),
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=schedules.CosineMomentum(start=0.99),
        augment=common.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(1.0, weight_decay=1e-5))
    return model


RECIPE = common.recipe("byol", "BYOL", "2006.07733", build)
