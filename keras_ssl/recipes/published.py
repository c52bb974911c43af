"""What the recipes share whose settings are those of a published benchmark: its optimizers and jitter.

The benchmarks run on torchvision, whose jitter multiplies brightness and comes in an order drawn for each picture.
"""

from keras_ssl import augment, optimizers, schedules


def symmetric_views(**options):
    """Both views, or all of them, changed in the same way."""
    return augment.Augmentation(augment.image.simclr_views, **{"shuffle": True, **options})


def asymmetric_views(**options):
    """One view that may be solarised, and one that is not."""
    return augment.Augmentation(augment.image.byol_views, **{"brightness_mode": "multiplicative", **options})


def clipped_lars(rate, weight_decay, **schedule):
    """solo-learn's LARS; the rate is for a batch of 256."""
    rate = schedules.WarmupCosine(rate, reference_batch_size=256, **schedule)
    return optimizers.ClippedLARS(rate, weight_decay=weight_decay, trust_coefficient=0.02)


def sgd(rate, weight_decay, warmup_epochs=0, reference_batch_size=256):
    """SGD with momentum .9 and a cosine, as in PyTorch."""
    rate = schedules.WarmupCosine(rate, warmup_epochs, reference_batch_size=reference_batch_size)
    return optimizers.CoupledSGD(rate, weight_decay=weight_decay)
