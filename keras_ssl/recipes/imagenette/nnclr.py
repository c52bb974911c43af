"""NNCLR on Imagenette.

keras-ssl pretrain nnclr_imagenette

Settings: lightly, imagenette_benchmark.py; there the loss has negatives of both views, here of the other view alone.
Published: kNN 84.8 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The paper's heads, a short queue and a high temperature."""
    model = objectives.NNCLR(
        common.encoder(data),
        projection_widths=(2048, 2048, 256),
        prediction_widths=(4096, 256),
        temperature=0.5,
        queue_size=4096,
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("nnclr", "NNCLR", "2104.14548", build)
