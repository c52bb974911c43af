"""VICReg on Imagenette.

keras-ssl pretrain vicreg_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 78.3 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives, optimizers, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """lightly has the mean of the views' variances, so that its weight of 25 is 12.5 here; its LARS spares nothing."""
    model = objectives.VICReg(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        variance_weight=12.5,
        augment=common.views(),
        seed=seed,
    )
    rate = schedules.WarmupCosine(0.3, warmup_epochs=40, reference_batch_size=256)
    model.compile(optimizers.LARS(rate, weight_decay=1e-4, exclude=None))
    return model


RECIPE = common.recipe("vicreg", "VICReg", "2105.04906", build)
