"""SimSiam on CIFAR-10.

keras-ssl pretrain sim_siam_cifar10

Settings: solo-learn, scripts/pretrain/cifar/simsiam.yaml.
Published: linear 90.51 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import objectives, optimizers, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """The paper's heads; the predictor's rate stays as it is."""
    model = objectives.SimSiam(
        common.encoder(data),
        projection_widths=(2048, 2048, 2048),
        prediction_widths=(512, 2048),
        augment=common.symmetric_views(strength=0.5),
        seed=seed,
    )
    constant = optimizers.CoupledSGD(schedules.StepDecay(0.5, reference_batch_size=256), weight_decay=1e-5)
    model.compile({"encoder": published.sgd(0.5, weight_decay=1e-5, warmup_epochs=10), "predictor": constant})
    return model


RECIPE = common.recipe("sim_siam", "SimSiam", "2011.10566", build)
