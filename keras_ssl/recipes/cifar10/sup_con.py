"""SupCon on CIFAR-10: with its labels, for comparison.

keras-ssl pretrain sup_con_cifar10

Settings: solo-learn, scripts/pretrain/cifar/supcon.yaml.
Published: linear 93.82 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """SimCLR's head and views."""
    model = objectives.SupCon(
        common.encoder(data),
        projection_widths=(2048, 256),
        temperature=0.2,
        augment=common.symmetric_views(),
        seed=seed,
    )
    model.compile(published.sgd(0.4, weight_decay=1e-5, warmup_epochs=10))
    return model


RECIPE = common.recipe("sup_con", "SupCon", "2004.11362", build)
