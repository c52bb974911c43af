"""VICReg on the embedded Fashion-MNIST sample.

keras-ssl pretrain vicreg_fashion_mnist
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """Wide projections, and the paper's weights."""
    model = objectives.VICReg(
        common.encoder(data),
        projection_widths=(1024, 1024),
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("vicreg", "VICReg", "2105.04906", build)
