import keras
import numpy as np
import pytest

from keras_ssl import augment, losses, objectives, optimizers


def tiny_encoder():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(pixels)))


def tiny_model(**kwargs):
    return objectives.MoCoV3(tiny_encoder(), **{"projection_widths": (16, 8), "prediction_widths": (16, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.random((16, 8, 8, 1)).astype("float32")


def test_defaults_are_the_papers():
    model = objectives.MoCoV3(tiny_encoder())
    model.compile()
    assert model.projection_widths == model.prediction_widths == (4096, 256)
    assert model.temperature == 0.2
    assert (model.momentum.start, model.momentum.end) == (0.99, 1.0)
    assert type(model.optimizer) is optimizers.LARS
    assert model.optimizer.get_config()["learning_rate"]["config"]["peak"] == 0.3
    assert model.optimizer.get_config()["weight_decay"] == 1e-6


def test_the_projection_ends_in_normalisation_without_scale_and_shift_and_the_prediction_in_none():
    model = tiny_model()
    last = model.projector.stack.layers[-1]
    assert isinstance(last, keras.layers.BatchNormalization)
    assert not last.trainable_variables
    assert isinstance(model.predictor.stack.layers[-1], keras.layers.Dense)


def test_for_a_vision_transformer_the_prediction_is_normalised_too():
    model = tiny_model(normalize_prediction=True)
    for one in (model, type(model).from_config(model.get_config())):
        last = one.predictor.stack.layers[-1]
        assert isinstance(last, keras.layers.BatchNormalization)
        assert not last.trainable_variables


def test_default_views_are_those_of_the_authors_code_for_a_resnet():
    views = objectives.MoCoV3(tiny_encoder(), (4,), (4,)).augment
    assert views.function is augment.image.byol_views
    assert views.options == {"crop_scale": (0.2, 1.0), "brightness_mode": "multiplicative"}


def test_the_loss_adds_both_directions_times_twice_the_temperature(pictures):
    model = tiny_model(temperature=0.3)
    model.compile(keras.optimizers.SGD(0.0))
    for weight in (*model.encoder.trainable_variables, *model.projector.trainable_variables):
        weight.assign(weight + 0.1)  # so that student and teacher differ
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    p0, p1 = (model.predictor(model.projector(model.encoder(view))) for view in views)
    k0, k1 = (model.teacher_projector(model.teacher_encoder(view)) for view in views)
    directions = losses.info_nce(p0, k1, temperature=0.3), losses.info_nce(p1, k0, temperature=0.3)
    assert logged == pytest.approx(2 * 0.3 * float(sum(directions)), rel=1e-5)


def test_of_indistinguishable_pictures_is_four_temperatures_times_the_log_of_the_batch():
    model = tiny_model(temperature=0.3)
    same = np.ones((16, 8, 8, 1), "float32")
    logged = model.evaluate({"views": (same, same)}, batch_size=16, verbose=0, return_dict=True)
    assert logged["loss"] == pytest.approx(4 * 0.3 * np.log(16), rel=1e-4)


def test_the_teacher_follows_encoder_and_projector_and_is_not_trained(pictures):
    model = tiny_model(momentum=0.75)
    model.compile(keras.optimizers.SGD(0.5))
    students = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    trained = [*students, *model.predictor.trainable_variables]
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in trained]
    before = [model.encoder.trainable_variables[0].numpy(), model.projector.trainable_variables[0].numpy()]
    assert model.fit(pictures, batch_size=16, verbose=0).history["teacher_momentum"] == [0.75]
    pairs = (model.encoder, model.teacher_encoder), (model.projector, model.teacher_projector)
    for (student, teacher), old in zip(pairs, before, strict=True):
        new = student.trainable_variables[0].numpy()
        assert np.abs(new - old).max() > 1e-4
        np.testing.assert_allclose(teacher.copy.variables[0], 0.75 * old + 0.25 * new, atol=1e-6)


def test_refuses(pictures):
    with pytest.raises(ValueError, match="`temperature` must be positive. Received: temperature=0.0"):
        tiny_model(temperature=0.0)
    with pytest.raises(ValueError, match="`batch_size` must be at least 2 for MoCoV3"):
        tiny_model().fit(pictures[:1], verbose=0)
