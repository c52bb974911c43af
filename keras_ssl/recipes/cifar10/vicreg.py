"""VICReg on CIFAR-10.

keras-ssl pretrain vicreg_cifar10

Settings: solo-learn, scripts/pretrain/cifar/vicreg.yaml.
Published: linear 92.07 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """The paper's weights, 25, 25 and 1; both views alike."""
    model = objectives.VICReg(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        augment=common.asymmetric_views(crop_scale=(0.2, 1.0), solarize=(0.1, 0.1)),
        seed=seed,
    )
    model.compile(published.clipped_lars(0.3, weight_decay=1e-4))
    return model


RECIPE = common.recipe("vicreg", "VICReg", "2105.04906", build)
