"""BYOL on Imagenette.

keras-ssl pretrain byol_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 85.1 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The loss is four times lightly's, at rate .06 and decay 5e-4: a quarter of the rate, four times the decay."""
    model = objectives.BYOL(
        common.encoder(data),
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=0.99,
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd(0.015, weight_decay=2e-3))
    return model


RECIPE = common.recipe("byol", "BYOL", "2006.07733", build)
