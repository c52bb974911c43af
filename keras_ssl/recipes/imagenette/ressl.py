"""ReSSL on Imagenette.

keras-ssl pretrain ressl_imagenette

Settings: solo-learn, scripts/pretrain/imagenet-100/ressl.yaml, at 128 pixels.
No figure was published; linear 76.92 on ImageNet-100 (solo-learn, ResNet-18, 400 epochs). Not run here.
"""

from keras_ssl import augment, objectives, schedules
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """A queue just short of an epoch."""
    model = objectives.ReSSL(
        common.encoder(data),
        projection_widths=(4096, 256),
        queue_size=8192,
        momentum=schedules.CosineMomentum(start=0.99),
        augment=augment.Augmentation(augment.image.ressl_views, crop_scale=(0.08, 1.0)),
        seed=seed,
    )
    model.compile(common.sgd(0.3, weight_decay=1e-4, warmup_epochs=10))
    return model


RECIPE = common.recipe("ressl", "ReSSL", "2107.09282", build)
