"""NPID (instance discrimination) on CIFAR-10.

keras-ssl pretrain npid_cifar10

Settings: the authors' code, lemniscate.pytorch, cifar.py, with 4,096 negatives as in the paper's table 1.
Published: kNN 80.4 (the paper, ResNet-18). Not run here.
"""

from keras_ssl import objectives, optimizers, schedules
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """One view, not flipped; the rate falls at epochs 120 and 160."""
    model = objectives.NPID(
        common.encoder(data),
        examples=len(data),
        temperature=0.1,
        negatives=4096,
        augment=common.symmetric_views(strength=0.5, crop_scale=(0.2, 1.0), flip=0.0, jitter=1.0, count=1),
        seed=seed,
    )
    model.compile(optimizers.CoupledSGD(schedules.StepDecay(0.03, boundaries=(0.6, 0.8)), weight_decay=5e-4))
    return model


RECIPE = common.recipe("npid", "NPID", "1805.01978", build, epochs=200, batch_size=128)
