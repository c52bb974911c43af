"""LeJEPA on Imagenette.

keras-ssl pretrain le_jepa_imagenette

Settings: the authors' code for small data, MINIMAL.md; weight decay is the paper's for ResNets.
Published: linear 90.7 (the authors, ViT-S/8, 800 epochs). Not run here.
"""

import keras

from keras_ssl import objectives, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Four views alike, and narrow projections."""
    model = objectives.LeJEPA(
        common.encoder(data),
        projection_widths=(2048, 2048, 16),
        sigreg_weight=0.02,
        slices=256,
        global_views=None,
        augment=common.views(strength=1.0, solarize=0.2, count=4),
        seed=seed,
    )
    rate = schedules.WarmupCosine(2e-3, warmup_epochs=1, end=1e-3)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=5e-4))
    return model


RECIPE = common.recipe("le_jepa", "LeJEPA", "2511.08544", build)
