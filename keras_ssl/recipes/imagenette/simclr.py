"""SimCLR on Imagenette.

keras-ssl pretrain simclr_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 85.8 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The paper's head, and its temperature for CIFAR-10."""
    model = objectives.SimCLR(
        common.encoder(data), projection_widths=(512, 128), temperature=0.5, augment=common.views(), seed=seed
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("simclr", "SimCLR", "2002.05709", build)
