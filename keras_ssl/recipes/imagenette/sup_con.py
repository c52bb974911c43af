"""SupCon on Imagenette: with its labels, for comparison.

keras-ssl pretrain sup_con_imagenette

Settings: solo-learn, scripts/pretrain/imagenet-100/supcon.yaml, at 128 pixels.
No figure was published; linear 84.40 on ImageNet-100 (solo-learn, ResNet-18, 400 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """Wide projections, and jitter of full strength."""
    model = objectives.SupCon(
        common.encoder(data),
        projection_widths=(2048, 512),
        temperature=0.2,
        augment=common.views(strength=1.0),
        seed=seed,
    )
    model.compile(common.sgd(0.5, weight_decay=1e-5, warmup_epochs=10))
    return model


RECIPE = common.recipe("sup_con", "SupCon", "2004.11362", build)
