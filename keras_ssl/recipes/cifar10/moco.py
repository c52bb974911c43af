"""MoCo v2 on CIFAR-10.

keras-ssl pretrain moco_cifar10

Settings: solo-learn, scripts/pretrain/cifar/mocov2plus.yaml. There each view has its queue, here they share one.
Published: linear 92.94 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Both directions, and a teacher that slows down but never stops."""
    model = objectives.MoCo(
        common.encoder(data),
        projection_widths=(2048, 256),
        momentum=schedules.CosineMomentum(start=0.99, end=0.999),
        temperature=0.2,
        queue_size=32768,
        symmetric=True,
        augment=common.symmetric_views(strength=0.5),
        seed=seed,
    )
    model.compile(published.sgd(0.3, weight_decay=1e-4, warmup_epochs=10))
    return model


RECIPE = common.recipe("moco", "MoCo", "2003.04297", build)
