"""SwAV on the embedded Fashion-MNIST sample.

keras-ssl pretrain swav_fashion_mnist

Measured: kNN 0.833, linear 0.854 (seed 0, 148 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.fashion_mnist import common


def build(data, seed):
    """Four times as many prototypes as the projection has dimensions; one small crop.

    With 128 of them there is a direction that is equally near to all, and the projections collapse into it.
    """
    model = objectives.SwAV(
        common.encoder(data, any_size=True),
        projection_widths=(512, 128),
        prototype_count=512,
        augment=common.crops(local_count=1),
        seed=seed,
    )
    return common.compiled(model, rate=2e-3)


RECIPE = common.recipe("swav", "SwAV", "2006.09882", build, scores={"knn": 0.833, "linear": 0.854, "seconds": 148})
