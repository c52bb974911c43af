"""SimSiam on Imagenette.

keras-ssl pretrain sim_siam_imagenette

Settings: lightly, imagenette_benchmark.py.
Published: kNN 85.2 (lightly, ResNet-18, 800 epochs). Not run here.
"""

from keras_ssl import objectives
from keras_ssl.recipes.imagenette import common


def build(data, seed):
    """The paper's heads; the predictor's rate decays with the others'."""
    model = objectives.SimSiam(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        prediction_widths=(512, 2048),
        augment=common.views(),
        seed=seed,
    )
    model.compile(common.sgd())
    return model


RECIPE = common.recipe("sim_siam", "SimSiam", "2011.10566", build)
