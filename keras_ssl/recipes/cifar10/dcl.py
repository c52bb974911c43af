"""DCL on CIFAR-10.

keras-ssl pretrain dcl_cifar10

Settings: lightly, cifar10_benchmark.py. Its loss has one logarithm for each view's negatives, here there is one.
Published: kNN 84.4 (lightly, ResNet-18, 200 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Small batches, for which the loss is made; milder jitter than solo-learn's."""
    model = objectives.DCL(
        common.encoder(data),
        projection_widths=(512, 128),
        temperature=0.1,
        augment=common.symmetric_views(strength=0.5),
        seed=seed,
    )
    model.compile(published.sgd(0.06, weight_decay=5e-4, reference_batch_size=128))
    return model


RECIPE = common.recipe("dcl", "DCL", "2110.06848", build, epochs=200, batch_size=128)
