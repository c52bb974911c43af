"""SwAV on Imagenette.

keras-ssl pretrain swav_imagenette

Settings: lightly, imagenette_benchmark.py; weight decay is decoupled as always in Keras.
Published: kNN 89.9 (lightly, ResNet-18, 800 epochs). Not run here.
"""

import keras

from keras_ssl import augment, objectives, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Two large crops and six small ones; no queue, and prototypes that learn from the start."""
    crops = augment.Augmentation(augment.image.swav_views, global_size=128, local_size=64, local_count=6)
    model = objectives.SwAV(
        common.encoder(data, any_size=True),
        projection_widths=(2048, 128),
        prototype_count=3000,
        frozen_epochs=0,
        augment=crops,
        seed=seed,
    )
    rate = schedules.WarmupCosine(1e-3, warmup_epochs=0, reference_batch_size=256)
    model.compile(keras.optimizers.Adam(rate, weight_decay=1e-6))
    return model


RECIPE = common.recipe("swav", "SwAV", "2006.09882", build)
