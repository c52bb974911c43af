"""Every objective of the package through the gate."""

import keras
import numpy as np
import pytest

from keras_ssl import augment, data, objectives, schedules, testing


def tiny_encoder():
    """Without batch statistics, so that two replicas equal one batch; features that differ from picture to picture,
    so that batch normalisation in the heads does not blow up rounding."""
    pixels = keras.Input((14, 14, 1))
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="tanh")(x)
    return keras.Model(pixels, keras.layers.Dense(8)(keras.layers.Flatten()(x)))


VIEWS = augment.Augmentation(augment.image.simclr_views, blur=0.0, crop_scale=(0.3, 1.0))
THREE_VIEWS = augment.Augmentation(
    augment.image.multi_crop, global_size=14, local_size=14, local_count=1, global_scale=(0.3, 1.0)
)
ONE_VIEW = augment.Augmentation(augment.image.simclr_views, blur=0.0, crop_scale=(0.3, 1.0), count=1)

OBJECTIVES = {
    "SimCLR": lambda: objectives.SimCLR(
        tiny_encoder(), projection_widths=(16, 8), temperature=0.5, augment=VIEWS, seed=3
    ),
    "BYOL": lambda: objectives.BYOL(
        tiny_encoder(),
        projection_widths=(16, 8),
        prediction_widths=(16, 8),
        momentum=schedules.CosineMomentum(0.9),
        augment=VIEWS,
        seed=3,
    ),
    "MoCo": lambda: objectives.MoCo(
        tiny_encoder(), projection_widths=(16, 8), momentum=0.9, queue_size=8, augment=VIEWS, seed=3
    ),
    "MoCoV3": lambda: objectives.MoCoV3(
        tiny_encoder(),
        projection_widths=(16, 8),
        prediction_widths=(16, 8),
        momentum=schedules.CosineMomentum(0.9),
        augment=VIEWS,
        seed=3,
    ),
    "NNCLR": lambda: objectives.NNCLR(
        tiny_encoder(),
        # One wide layer: its queue holds what came through batch normalisation, which blows up rounding layer by layer.
        projection_widths=(32,),
        prediction_widths=(16, 32),
        temperature=0.5,
        queue_size=8,
        augment=VIEWS,
        seed=3,
    ),
    "DCL": lambda: objectives.DCL(
        tiny_encoder(), projection_widths=(16, 8), temperature=0.5, sigma=0.5, augment=VIEWS, seed=3
    ),
    "SupCon": lambda: objectives.SupCon(
        tiny_encoder(), projection_widths=(16, 8), temperature=0.5, augment=VIEWS, seed=3
    ),
    "BarlowTwins": lambda: objectives.BarlowTwins(tiny_encoder(), projection_widths=(8, 8), augment=VIEWS, seed=3),
    "VICReg": lambda: objectives.VICReg(
        tiny_encoder(),
        projection_widths=(16, 8),
        invariance_weight=1.0,
        variance_weight=1.0,
        covariance_weight=0.04,
        augment=VIEWS,
        seed=3,
    ),
    "WMSE": lambda: objectives.WMSE(
        tiny_encoder(), projection_widths=(16, 2), whitening_size=4, iterations=2, epsilon=0.1, augment=VIEWS, seed=3
    ),
    "TiCo": lambda: objectives.TiCo(
        tiny_encoder(),
        projection_widths=(16, 8),
        momentum=schedules.CosineMomentum(0.9),
        covariance_momentum=0.5,  # it fills within some steps, while the loss rises
        augment=VIEWS,
        seed=3,
    ),
    "LeJEPA": lambda: objectives.LeJEPA(
        tiny_encoder(), projection_widths=(16, 8), slices=16, augment=THREE_VIEWS, seed=3
    ),
    "NPID": lambda: objectives.NPID(
        tiny_encoder(), examples=512, projection_widths=(8,), temperature=0.5, negatives=64, augment=ONE_VIEW, seed=3
    ),
    "ReSSL": lambda: objectives.ReSSL(
        tiny_encoder(), projection_widths=(16, 8), queue_size=8, momentum=0.9, augment=VIEWS, seed=3
    ),
    "SimSiam": lambda: objectives.SimSiam(
        tiny_encoder(), projection_widths=(16, 8), prediction_widths=(16, 8), augment=VIEWS, seed=3
    ),
    "SwAV": lambda: objectives.SwAV(
        tiny_encoder(),
        projection_widths=(16, 8),
        prototype_count=4,
        frozen_epochs=0,
        queue_size=8,
        queue_start=0,
        augment=THREE_VIEWS,
        seed=3,
    ),
    "DeepClusterV2": lambda: objectives.DeepClusterV2(
        tiny_encoder(), examples=32, projection_widths=(16, 8), cluster_counts=(3, 4), augment=THREE_VIEWS, seed=3
    ),
    "DINO": lambda: objectives.DINO(
        tiny_encoder(),
        projection_widths=(16, 8),
        prototype_count=16,
        student_temperature=0.2,
        teacher_temperature=0.07,
        center_momentum=0.5,
        frozen_epochs=0,
        momentum=0.9,
        augment=THREE_VIEWS,
        seed=3,
    ),
}


@pytest.fixture(scope="module")
def pictures():
    return data.load("fashion_mnist_sample").images(np.arange(32))[:, ::2, ::2]


def test_every_objective_is_here():
    bases = {"SelfSupervisedModel", "JointEmbeddingModel", "MomentumTeacherModel"}
    every = {name for name in objectives.__all__ if not issubclass(getattr(objectives, name), objectives.TokenModel)}
    assert set(OBJECTIVES) == every - bases


def batch_for(name, pictures):
    """The pictures, with labels and their numbers for those that learn from them."""
    wanted = {}
    if getattr(objectives, name).uses_labels:
        wanted["y"] = data.load("fashion_mnist_sample").labels[:32]
    if getattr(objectives, name).uses_index:
        wanted["index"] = np.arange(32)
    return {"x": pictures, **wanted} if wanted else pictures


@pytest.mark.parametrize("name", OBJECTIVES)
def test_quick_part(name, pictures):
    testing.run_objective_test(OBJECTIVES[name], batch_for(name, pictures), part="quick")


def test_there_is_no_third_part(pictures):
    with pytest.raises(ValueError, match="`part` must be 'quick', 'slow' or None. Received: part='whole'"):
        testing.run_objective_test(OBJECTIVES["SimCLR"], pictures, part="whole")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_config_has_every_argument(name, check_config):
    model = OBJECTIVES[name]()
    check_config(model, left_out=() if model.prediction_widths else ("prediction_widths",))


@pytest.mark.gate
@pytest.mark.parametrize("name", OBJECTIVES)
def test_slow_part(name, pictures, two_replicas):
    testing.run_objective_test(OBJECTIVES[name], batch_for(name, pictures), strategy=two_replicas, part="slow")
