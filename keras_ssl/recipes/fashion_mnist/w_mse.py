"""W-MSE on the embedded Fashion-MNIST sample.

keras-ssl pretrain w_mse_fashion_mnist

Measured: kNN 0.826, linear 0.836 (seed 0, 119 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """A quarter as many dimensions as rows that are whitened: the paper's half is for larger batches."""
    model = objectives.WMSE(
        common.encoder(data),
        projection_widths=(512, 16),
        whitening_size=64,
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("w_mse", "WMSE", "2007.06346", build, scores={"knn": 0.826, "linear": 0.836, "seconds": 119})
