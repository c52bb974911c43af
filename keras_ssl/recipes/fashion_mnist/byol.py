"""BYOL on the embedded Fashion-MNIST sample.

keras-ssl pretrain byol_fashion_mnist

Measured: kNN 0.820, linear 0.835 (seed 0, 158 s on two cores).
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """The teacher is quicker than the paper's, which is made for some hundred epochs."""
    model = objectives.BYOL(
        common.encoder(data),
        projection_widths=(512, 128),
        prediction_widths=(512, 128),
        momentum=schedules.CosineMomentum(start=0.97),
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("byol", "BYOL", "2006.07733", build, scores={"knn": 0.82, "linear": 0.835, "seconds": 158})
