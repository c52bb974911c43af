"""MoCo v2 on the embedded Fashion-MNIST sample.

keras-ssl pretrain moco_fashion_mnist

Measured: kNN 0.847, linear 0.865 (seed 0, 153 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """Both directions, a quick teacher and a short queue: there are 1,560 updates, not the paper's million."""
    model = objectives.MoCo(
        common.encoder(data),
        projection_widths=(256, 128),
        momentum=0.99,
        queue_size=2048,
        symmetric=True,
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("moco", "MoCo", "2003.04297", build, scores={"knn": 0.847, "linear": 0.865, "seconds": 153})
