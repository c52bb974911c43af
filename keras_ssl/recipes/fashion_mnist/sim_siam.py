"""SimSiam on the embedded Fashion-MNIST sample.

keras-ssl pretrain sim_siam_fashion_mnist

Measured: kNN 0.831, linear 0.842 (seed 0, 143 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """A narrow predictor between wide projections, as in the paper."""
    model = objectives.SimSiam(
        common.encoder(data),
        projection_widths=(512, 512, 512),
        prediction_widths=(128, 512),
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe(
    "sim_siam", "SimSiam", "2011.10566", build, scores={"knn": 0.831, "linear": 0.842, "seconds": 143}
)
