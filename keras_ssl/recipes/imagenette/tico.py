"""TiCo on Imagenette.

keras-ssl pretrain tico_imagenette

Settings: lightly, imagenette_benchmark.py. There the teacher stands still after ten epochs, here at the end.
Published: kNN 67.2 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """A narrower head and a larger weight than the paper's."""
    model = objectives.TiCo(
        common.encoder(data),
        projection_widths=(1024, 256),
        momentum=schedules.CosineMomentum(start=0.996),
        weight=20.0,
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd(0.3, weight_decay=1e-4, warmup_epochs=40))
    return model


RECIPE = common.recipe("tico", "TiCo", "2206.10698", build)
