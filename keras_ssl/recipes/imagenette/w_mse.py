"""W-MSE 4 on Imagenette.

keras-ssl pretrain w_mse_imagenette

Settings: the paper's for STL-10, as in the README of its code, github.com/htdt/self-supervised, for fewer epochs.
No figure was published. Not run here.
"""

import keras

from keras_ssl import objectives, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Four views, each whitened as a whole."""
    model = objectives.WMSE(
        common.encoder(data),
        projection_widths=(1024, 128),
        whitening_size=256,
        augment=common.views(crop_scale=(0.2, 1.0), grayscale=0.1, blur=0.0, count=4),
        seed=seed,
    )
    model.compile(keras.optimizers.Adam(schedules.WarmupCosine(2e-3, warmup_steps=500), weight_decay=1e-6))
    return model


RECIPE = common.recipe("w_mse", "WMSE", "2007.06346", build)
