"""DCL on Imagenette.

keras-ssl pretrain dcl_imagenette

Settings: lightly, imagenette_benchmark.py. Its loss has one logarithm for each view's negatives, here there is one.
Published: kNN 81.6 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """As SimCLR's recipe, with the paper's temperature."""
    model = objectives.DCL(
        common.encoder(data), projection_widths=(512, 128), temperature=0.1, augment=common.views(), seed=seed
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("dcl", "DCL", "2110.06848", build)
