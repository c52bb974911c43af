"""ReSSL on the embedded Fashion-MNIST sample.

keras-ssl pretrain ressl_fashion_mnist

Measured: kNN 0.826, linear 0.842 (seed 0, 90 s on two cores).
"""

from keras_ssl import augment, objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """Weak views for the teacher, which is quick, and a short queue."""
    model = objectives.ReSSL(
        common.encoder(data),
        projection_widths=(512, 128),
        momentum=0.97,
        queue_size=1024,
        augment=augment.Augmentation(augment.image.ressl_views, strength=1.0, solarize=0.2, blur=0.0),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("ressl", "ReSSL", "2107.09282", build, scores={"knn": 0.826, "linear": 0.842, "seconds": 90})
