"""NPID (instance discrimination) on the embedded Fashion-MNIST sample.

keras-ssl pretrain npid_fashion_mnist
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """One view, and fewer negatives than the paper's 4,096 of 1.3 million examples."""
    model = objectives.NPID(
        common.encoder(data),
        examples=len(data),
        negatives=2048,
        temperature=0.2,
        augment=common.views(count=1),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("npid", "NPID", "1805.01978", build)
