"""MoCo v3 on CIFAR-10.

keras-ssl pretrain moco_v3_cifar10

Settings: solo-learn, scripts/pretrain/cifar/mocov3.yaml.
Published: linear 93.10 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """The paper's heads and momentum, at a small batch."""
    model = objectives.MoCoV3(
        common.encoder(data),
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=schedules.CosineMomentum(start=0.99),
        temperature=0.2,
        augment=common.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.3, weight_decay=1e-6))
    return model


RECIPE = common.recipe("moco_v3", "MoCoV3", "2104.02057", build)
