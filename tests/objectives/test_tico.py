import keras
import numpy as np
import pytest

from keras_ssl import augment, backbones, losses, objectives, optimizers


def tiny_model(**kwargs):
    encoder = backbones.small_image_resnet((8, 8, 1), widths=(4, 8))
    return objectives.TiCo(encoder, **{"projection_widths": (16, 4), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def projections(model, view, teacher=False):
    view = view.astype("float32")
    return model.teach(view, False) if teacher else model.projector(model.encoder(view))


def test_defaults_are_the_papers():
    model = objectives.TiCo(backbones.small_image_resnet((8, 8, 1), widths=(4, 8)))
    assert (model.projection_widths, model.weight, model.covariance_momentum) == ((4096, 256), 8.0, 0.9)
    assert (model.momentum.start, model.momentum.end) == (0.99, 1.0)
    assert model.augment is augment.image.byol_views
    assert type(model.default_optimizer()) is optimizers.LARS


def test_the_loss_is_that_of_the_student_of_one_view_and_the_teacher_of_the_other(pictures):
    model = tiny_model(weight=3.0, covariance_momentum=0.5)
    model.compile(keras.optimizers.SGD(0.0))
    model.covariance.assign(np.diag([1.0, 2.0, 3.0, 4.0]))
    for weight in (*model.encoder.trainable_variables, *model.projector.trainable_variables):
        weight.assign(weight + 0.1)  # so that student and teacher differ
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    z0, z1 = projections(model, views[0]), projections(model, views[1], teacher=True)
    covariance = losses.tico_covariance(z0, model.covariance.numpy(), momentum=0.5)
    assert logged == pytest.approx(float(losses.tico(z0, z1, covariance, 3.0)), rel=1e-5)


def test_the_covariance_moves_with_each_update_and_not_by_evaluation(pictures):
    model = tiny_model(covariance_momentum=0.5)
    model.compile(keras.optimizers.SGD(0.0))
    batch = {"views": (pictures, pictures)}
    model.evaluate(batch, batch_size=16, verbose=0)
    assert not model.covariance.numpy().any()
    model.fit(batch, batch_size=16, verbose=0)
    once = model.covariance.numpy()
    assert np.trace(once) == pytest.approx(0.5, abs=1e-5)  # half the trace of a second moment of unit rows
    model.fit(batch, batch_size=16, verbose=0)
    np.testing.assert_allclose(model.covariance.numpy(), 1.5 * once, atol=1e-5)  # the same batch again


def test_the_covariance_stands_still_where_no_update_was_made(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    batch = {"views": (pictures, pictures)}
    model.fit(batch, batch_size=16, verbose=0)
    assert not model.covariance.numpy().any()
    model.fit(batch, batch_size=16, verbose=0)
    assert model.covariance.numpy().any()


def test_refuses():
    with pytest.raises(ValueError, match="`weight` must not be negative. Received: weight=-1.0"):
        tiny_model(weight=-1.0)
    with pytest.raises(ValueError, match=r"`covariance_momentum` must be in \[0, 1\). Received: covariance_momentum=1"):
        tiny_model(covariance_momentum=1)
