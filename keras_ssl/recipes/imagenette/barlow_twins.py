"""Barlow Twins on Imagenette.

keras-ssl pretrain barlow_twins_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 78.9 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Projections of 2,048 dimensions."""
    model = objectives.BarlowTwins(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        redundancy_weight=0.005,
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("barlow_twins", "BarlowTwins", "2103.03230", build)
