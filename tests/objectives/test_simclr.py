import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, data, losses, objectives, optimizers, schedules


def tiny():
    return backbones.small_image_resnet((8, 8, 1), widths=(4, 8))


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    model = objectives.SimCLR(tiny())
    model.compile()
    assert model.temperature == 0.1
    assert model.projection_widths == (8, 128)
    assert type(model.optimizer) is optimizers.LARS
    rate = model.optimizer.get_config()["learning_rate"]["config"]
    assert (rate["peak"], rate["reference_batch_size"], rate["warmup_epochs"]) == (0.3, 256, 10)
    assert model.optimizer.get_config()["weight_decay"] == 1e-6


def test_the_loss_is_that_of_the_projections_of_both_views(pictures):
    model = objectives.SimCLR(tiny(), temperature=0.5)
    model.compile(keras.optimizers.SGD(0.0))
    other = pictures[::-1].copy()
    logged = model.evaluate({"views": (pictures, other)}, batch_size=16, verbose=0, return_dict=True)
    z0, z1 = (model.projector(model.encoder(view.astype("float32"))) for view in (pictures, other))
    assert logged["loss"] == pytest.approx(float(losses.nt_xent(z0, z1, 0.5)), rel=1e-5)


def test_accuracy_counts_partners_that_are_nearest(pictures):
    model = objectives.SimCLR(tiny())
    z = tf.constant(np.eye(4, dtype="float32"))
    for other, accuracy in ((z, 1.0), (tf.roll(z, 1, axis=0), 0.0)):
        logits, partners = losses.nt_xent_logits(z, other)
        assert float(model.diagnostics({"logits": logits, "partners": partners})["accuracy"]) == accuracy


def test_given_pairs_are_final(pictures):
    model = objectives.SimCLR(tiny())
    views = model.views({"views": (pictures, pictures)}, None, True)
    assert views[0] is pictures
    with pytest.raises(ValueError, match="must be 2 in number for SimCLR. Received: 3 views"):
        model.views({"views": (pictures,) * 3}, None, True)


def test_one_row_is_refused(pictures):
    with pytest.raises(ValueError, match="`batch_size` must be at least 2 for SimCLR.*Received: batch_size=1"):
        objectives.SimCLR(tiny()).fit(pictures[:1], verbose=0)
    with pytest.raises(ValueError, match="must leave no last batch of 1 rows"):
        objectives.SimCLR(tiny()).fit(pictures[:9], batch_size=4, verbose=0)


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_refuses_a_temperature(temperature):
    with pytest.raises(ValueError, match=f"`temperature` must be positive. Received: temperature={temperature}"):
        objectives.SimCLR(tiny(), temperature=temperature)


@pytest.mark.gate
def test_a_step_with_views_compiles_under_xla(pictures):
    model = objectives.SimCLR(tiny(), temperature=0.5)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    assert np.isfinite(model.fit(pictures, batch_size=8, verbose=0).history["loss"][0])


@pytest.mark.gate
def test_learns_on_real_pictures_without_collapse():
    train, test = data.load("fashion_mnist_sample").take(1024), data.load("fashion_mnist_sample", "test").take(256)
    keras.utils.set_random_seed(0)
    model = objectives.SimCLR(
        backbones.small_image_resnet((28, 28, 1), widths=(16, 32), stem_strides=2), temperature=0.5
    )
    model.compile(keras.optimizers.AdamW(schedules.WarmupCosine(3e-3)))
    history = model.fit(train, batch_size=64, epochs=5, validation_data=test, verbose=0).history
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert history["val_loss"][-1] < 0.95 * history["val_loss"][0]
    assert history["val_accuracy"][-1] > 5 / 127  # five times chance: one partner among 127 candidates
    assert history["embedding_std"][-1] > 0.5 / np.sqrt(128)
