"""SwAV on the embedded Fashion-MNIST sample.

keras-ssl pretrain swav_fashion_mnist
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """As many prototypes as rows in the two large views, so that each can get its share; two small crops."""
    model = objectives.SwAV(
        common.encoder(data, any_size=True),
        projection_widths=(512, 128),
        prototype_count=128,
        augment=common.crops(),
        seed=seed,
    )
    return common.compiled(model)


RECIPE = common.recipe("swav", "SwAV", "2006.09882", build)
