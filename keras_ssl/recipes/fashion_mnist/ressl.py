"""ReSSL on the embedded Fashion-MNIST sample.

keras-ssl pretrain ressl_fashion_mnist
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """The paper's temperatures for small data, a quick teacher and a short queue."""
    model = objectives.ReSSL(
        common.encoder(data),
        projection_widths=(512, 128),
        momentum=0.97,
        queue_size=2048,
        augment=common.views(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("ressl", "ReSSL", "2107.09282", build)
