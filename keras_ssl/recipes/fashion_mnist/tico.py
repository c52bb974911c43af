"""TiCo on the embedded Fashion-MNIST sample.

keras-ssl pretrain tico_fashion_mnist

Measured: kNN 0.847, linear 0.859 (seed 0, 93 s on two cores).
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """A quick teacher."""
    model = objectives.TiCo(
        common.encoder(data),
        projection_widths=(512, 128),
        momentum=schedules.CosineMomentum(start=0.97),
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("tico", "TiCo", "2206.10698", build, scores={"knn": 0.847, "linear": 0.859, "seconds": 93})
