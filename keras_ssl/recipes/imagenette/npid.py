"""NPID (instance discrimination) on Imagenette.

keras-ssl pretrain npid_imagenette

Settings: the paper's for ImageNet (section 4), at 128 pixels and for as many epochs as its neighbours here.
No figure was published. Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The paper's views and optimizer: they are the objective's own."""
    model = objectives.NPID(common.encoder(data), examples=len(data), temperature=0.07, negatives=4096, seed=seed)
    model.compile()
    return model


RECIPE = common.recipe("npid", "NPID", "1805.01978", build)
