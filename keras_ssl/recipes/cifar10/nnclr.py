"""NNCLR on CIFAR-10.

keras-ssl pretrain nnclr_cifar10

Settings: solo-learn, scripts/pretrain/cifar/nnclr.yaml.
Published: linear 91.88 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """A queue just short of an epoch: solo-learn's 65,536 would hold pictures twice."""
    model = objectives.NNCLR(
        common.encoder(data),
        projection_widths=(2048, 2048, 256),
        prediction_widths=(4096, 256),
        temperature=0.2,
        queue_size=49152,
        augment=common.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.4, weight_decay=1e-5))
    return model


RECIPE = common.recipe("nnclr", "NNCLR", "2104.14548", build)
