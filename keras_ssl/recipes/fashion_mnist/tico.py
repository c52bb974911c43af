"""TiCo on the embedded Fashion-MNIST sample.

keras-ssl pretrain tico_fashion_mnist
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


RECIPE = common.recipe("tico", "TiCo", "2206.10698", build)
