"""MoCo v2 on Imagenette.

keras-ssl pretrain moco_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 83.2 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Both directions, a quick teacher and a short queue."""
    model = objectives.MoCo(
        common.encoder(data),
        projection_widths=(2048, 128),
        momentum=0.99,
        temperature=0.1,
        queue_size=4096,
        symmetric=True,
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("moco", "MoCo", "2003.04297", build)
