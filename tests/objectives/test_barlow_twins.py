import keras
import numpy as np
import pytest

from keras_ssl import augment, backbones, losses, objectives, optimizers


def tiny_model(**kwargs):
    encoder = backbones.small_image_resnet((8, 8, 1), widths=(4, 8))
    return objectives.BarlowTwins(encoder, **{"projection_widths": (16, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    defaults = {**tiny_model().get_config(), "projection_widths": None}
    assert defaults["redundancy_weight"] == 0.005
    assert tiny_model().augment is augment.image.byol_views
    rates = tiny_model().default_optimizer()
    peaks = {name: one.get_config()["learning_rate"]["config"]["peak"] for name, one in rates.items()}
    assert peaks == {"kernels": 0.2, "biases": 0.0048}
    assert rates["kernels"].get_config()["weight_decay"] == 1.5e-6


def test_the_loss_is_that_of_the_projections(pictures):
    model = tiny_model(redundancy_weight=0.1)
    model.compile(keras.optimizers.SGD(0.0))
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    z0, z1 = (model.projector(model.encoder(view.astype("float32"))) for view in views)
    assert logged == pytest.approx(float(losses.barlow_twins(z0, z1, 0.1)), rel=1e-5)


def test_each_view_has_batch_statistics_of_its_own(pictures):
    model = tiny_model()
    bright = np.clip(pictures.astype("float32") + 200.0, 0, None)
    outputs = model.forward((pictures.astype("float32"), bright), training=True)
    alone = model.projector(model.encoder(bright, training=True), training=True)
    np.testing.assert_allclose(outputs["everywhere"][1], alone, atol=1e-5)


def test_biases_have_a_rate_of_their_own(pictures):
    model = tiny_model()
    groups = model.groups()
    assert all(len(variable.shape) == 1 for variable in groups["biases"])
    assert all(len(variable.shape) > 1 for variable in groups["kernels"])
    assert len(groups["biases"]) + len(groups["kernels"]) == len(model.trainable_variables)
    model.compile({"kernels": keras.optimizers.SGD(0.1), "biases": keras.optimizers.SGD(0.0)})
    before = {name: [variable.numpy() for variable in group] for name, group in groups.items()}
    model.fit({"views": (pictures, pictures[::-1].copy())}, batch_size=16, verbose=0)
    moved = {
        name: any(not np.array_equal(a, b) for a, b in zip(before[name], groups[name], strict=True)) for name in groups
    }
    assert moved == {"kernels": True, "biases": False}


def test_one_optimizer_for_all_will_do(pictures):
    model = tiny_model()
    model.compile(optimizers.LARS(0.1))
    history = model.fit({"views": (pictures, pictures[::-1].copy())}, batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_refuses(pictures):
    with pytest.raises(ValueError, match="`redundancy_weight` must not be negative. Received: redundancy_weight=-1"):
        tiny_model(redundancy_weight=-1)
    with pytest.raises(ValueError, match="`batch_size` must be at least 2 for BarlowTwins.*Received: batch_size=1"):
        tiny_model().fit(pictures[:1], verbose=0)
