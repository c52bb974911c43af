"""MoCo v3 on Imagenette.

keras-ssl pretrain moco_v3_imagenette

Settings: solo-learn, scripts/pretrain/imagenet-100/mocov3.yaml, at 128 pixels.
No figure was published; linear 80.36 on ImageNet-100 (solo-learn, ResNet-18, 400 epochs). Not run here.
"""

from keras_ssl import objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The paper's heads, momentum and views, at a small batch."""
    model = objectives.MoCoV3(
        common.encoder(data),
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=schedules.CosineMomentum(start=0.99),
        temperature=0.2,
        augment=published.asymmetric_views(),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.3, weight_decay=1e-6))
    return model


RECIPE = common.recipe("moco_v3", "MoCoV3", "2104.02057", build)
