"""Barlow Twins on CIFAR-10.

keras-ssl pretrain barlow_twins_cifar10

Settings: solo-learn, scripts/pretrain/cifar/barlow.yaml.
Published: linear 92.10 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """solo-learn takes a tenth of the loss, at rate .3 and decay 1e-4: a tenth of the rate and ten times the decay."""
    model = objectives.BarlowTwins(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        redundancy_weight=0.0051,
        augment=common.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.03, weight_decay=1e-3))
    return model


RECIPE = common.recipe("barlow_twins", "BarlowTwins", "2103.03230", build)
