"""ReSSL on CIFAR-10.

keras-ssl pretrain ressl_cifar10

Settings: solo-learn, scripts/pretrain/cifar/ressl.yaml; the queue is the paper's for small data.
Published: linear 90.63 (solo-learn, ResNet-18, 1,000 epochs). Not run here.
"""

from keras_ssl import augment, objectives, schedules
from keras_ssl.recipes import published
from keras_ssl.recipes.cifar10 import common


def build(data, seed):
    """A strong view for the student, a weak one for the teacher."""
    model = objectives.ReSSL(
        common.encoder(data),
        projection_widths=(4096, 256),
        queue_size=4096,
        momentum=schedules.CosineMomentum(start=0.99),
        augment=augment.Augmentation(augment.image.ressl_views, crop_scale=(0.08, 1.0), blur=0.0),
        seed=seed,
    )
    model.compile(published.sgd(0.05, weight_decay=1e-4, warmup_epochs=10))
    return model


RECIPE = common.recipe("ressl", "ReSSL", "2107.09282", build)
