"""SimCLR on CIFAR-10.

keras-ssl pretrain simclr_cifar10

Settings: solo-learn, scripts/pretrain/cifar/simclr.yaml.
Published: linear 90.74 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """A wider head than the paper's, and a temperature for batches of 256."""
    model = objectives.SimCLR(
        common.encoder(data),
        projection_widths=(2048, 256),
        temperature=0.2,
        augment=common.symmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.4, weight_decay=1e-4))
    return model


RECIPE = common.recipe("simclr", "SimCLR", "2002.05709", build)
