"""W-MSE 4 on CIFAR-10.

keras-ssl pretrain w_mse_cifar10

Settings: the paper's, as in the README of its code, github.com/htdt/self-supervised.
Published: linear 91.99 (the paper, ResNet-18, 1,000 epochs); 88.67 with two views (solo-learn). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """Four views, each whitened in two parts, and the paper's optimizer."""
    model = objectives.WMSE(
        common.encoder(data),
        projection_widths=(1024, 64),
        whitening_size=128,
        augment=common.symmetric_views(strength=0.5, crop_scale=(0.2, 1.0), grayscale=0.1, count=4),
        seed=seed,
    )
    model.compile()
    return model


RECIPE = common.recipe("w_mse", "WMSE", "2007.06346", build)
