"""SimCLR on the embedded Fashion-MNIST sample.

keras-ssl pretrain simclr_fashion_mnist
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """A lower temperature than for the paper's batches of 4,096 would be too hard on batches of 128."""
    model = objectives.SimCLR(
        common.encoder(data), projection_widths=(256, 128), temperature=0.2, augment=common.views(), seed=seed
    )
    return common.compiled(model)


RECIPE = common.recipe("simclr", "SimCLR", "2002.05709", build)
