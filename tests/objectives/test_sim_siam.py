import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, objectives, optimizers


def tiny_model(**kwargs):
    pixels = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    encoder = keras.Model(pixels, keras.layers.Dense(8)(x))
    return objectives.SimSiam(encoder, **{"projection_widths": (16, 8), "prediction_widths": (4, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    defaults = {name: one.default for name, one in inspect.signature(objectives.SimSiam).parameters.items()}
    assert (defaults["projection_widths"], defaults["prediction_widths"]) == ((2048, 2048, 2048), (512, 2048))
    model = tiny_model()
    assert model.augment.options["crop_scale"] == (0.2, 1.0)
    for worker in model.default_optimizer().values():
        config = worker.get_config()
        assert type(worker) is optimizers.CoupledSGD
        assert (config["momentum"], config["weight_decay"], config["exclude"]) == (0.9, 1e-4, None)


def test_the_projections_are_normalised_over_the_batch_without_scale_and_the_predictions_are_not(pictures):
    model = tiny_model()
    z = model.projector(model.encoder(pictures.astype("float32")), training=True).numpy()
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-2)
    last = [weight.name for weight in model.projector.weights[-3:]]
    assert last == ["kernel", "moving_mean", "moving_variance"]
    assert [weight.name for weight in model.predictor.weights[-2:]] == ["kernel", "bias"]


def test_the_loss_is_the_mean_of_both_directions(pictures):
    model = tiny_model()
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    z0, z1 = (model.projector(model.encoder(view.astype("float32"))) for view in views)
    p0, p1 = model.predictor(z0), model.predictor(z1)
    expected = (losses.negative_cosine(p0, z1) + losses.negative_cosine(p1, z0)) / 2
    assert logged == pytest.approx(float(expected), rel=1e-5)


def test_the_gradient_of_the_target_is_stopped(pictures):
    """The gradient is that of a loss whose targets are numbers."""
    model = tiny_model()
    views = tuple(tf.cast(view, "float32") for view in (pictures, pictures[::-1]))
    numbers = [model.projector(model.encoder(view, training=True), training=True).numpy() for view in views]
    weight = model.projector.trainable_variables[0]
    with tf.GradientTape(persistent=True) as tape:
        outputs = model.forward(views, training=True)
        ours = model.objective(outputs)["sim_siam"]
        stopped = model.objective({**outputs, "targets": [tf.constant(z) for z in numbers]})["sim_siam"]
    np.testing.assert_allclose(tape.gradient(ours, weight.value), tape.gradient(stopped, weight.value), atol=1e-6)
    assert np.abs(tape.gradient(ours, weight.value)).max() > 1e-4
    assert all(tape.gradient(z, weight.value) is None for z in outputs["targets"])


def test_the_rate_of_the_predictor_stays_and_that_of_the_encoder_falls(pictures):
    model = tiny_model()
    model.fit({"views": (pictures, pictures[::-1].copy())}, batch_size=8, epochs=10, verbose=0)
    encoder, predictor = model.optimizer.optimizers
    assert (encoder.name, predictor.name) == ("encoder", "predictor")
    start = 0.05 * 8 / 256
    assert float(encoder.learning_rate) == pytest.approx(0.0, abs=1e-8)  # at the end of half a cosine
    assert float(predictor.learning_rate) == pytest.approx(start, rel=1e-6)
    fresh = tiny_model()
    fresh.compile()
    fresh.clock.global_batch_size.assign(8)
    assert [float(one.learning_rate) for one in fresh.optimizer.optimizers] == pytest.approx([start, start], rel=1e-6)


def test_each_weight_has_one_of_the_two_optimizers():
    model = tiny_model()
    found = [id(variable) for variables in model.groups().values() for variable in variables]
    assert sorted(found) == sorted(id(variable) for variable in model.trainable_variables)


def test_one_optimizer_for_all_will_do(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1))
    views = {"views": (pictures, pictures[::-1].copy())}
    assert np.isfinite(model.fit(views, batch_size=8, verbose=0).history["loss"][0])


def test_refuses_heads_of_different_widths():
    with pytest.raises(
        ValueError, match=r"must end in the projection's width, 8. Received: prediction_widths=\(8, 4\)"
    ):
        tiny_model(prediction_widths=(8, 4))
