"""TiCo on CIFAR-10.

keras-ssl pretrain tico_cifar10

Settings: lightly, imagenette_benchmark.py, since nobody published any for CIFAR-10; views as for BYOL, as in the paper.
No figure was published. Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """A narrower head and a larger weight than the paper's."""
    model = objectives.TiCo(
        common.encoder(data),
        projection_widths=(1024, 256),
        momentum=schedules.CosineMomentum(start=0.996),
        weight=20.0,
        augment=common.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.sgd(0.3, weight_decay=1e-4, warmup_epochs=40))
    return model


RECIPE = common.recipe("tico", "TiCo", "2206.10698", build)
