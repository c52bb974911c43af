"""DINO on the embedded Fashion-MNIST sample.

keras-ssl pretrain dino_fashion_mnist
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """Few prototypes for little data, and a quick teacher; two small crops."""
    model = objectives.DINO(
        common.encoder(data, any_size=True),
        projection_widths=(512, 512, 128),
        prototype_count=1024,
        teacher_temperature=0.04,
        momentum=schedules.CosineMomentum(start=0.97),
        augment=common.crops(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("dino", "DINO", "2104.14294", build)
