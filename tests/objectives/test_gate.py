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
}


@pytest.fixture(scope="module")
def pictures():
    return data.load("fashion_mnist_sample").images(np.arange(32))[:, ::2, ::2]


def test_every_objective_is_here():
    bases = {"SelfSupervisedModel", "JointEmbeddingModel", "MomentumTeacherModel"}
    assert set(OBJECTIVES) == set(objectives.__all__) - bases


@pytest.mark.parametrize("name", OBJECTIVES)
def test_quick_part(name, pictures):
    testing.run_objective_test(OBJECTIVES[name], pictures, thorough=False)


@pytest.mark.gate
@pytest.mark.parametrize("name", OBJECTIVES)
def test_whole_gate(name, pictures, two_replicas):
    testing.run_objective_test(OBJECTIVES[name], pictures, strategy=two_replicas)
