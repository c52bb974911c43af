import keras
import numpy as np
import pytest

from keras_ssl import backbones, objectives, optimizers


def tiny_model(**kwargs):
    encoder = backbones.small_image_resnet((8, 8, 1), widths=(4, 8))
    return objectives.BYOL(encoder, **{"projection_widths": (16, 8), "prediction_widths": (16, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def cosine(a, b):
    a, b = (np.asarray(one, "float64") for one in (a, b))
    return np.mean(np.sum(a * b, 1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))


def test_defaults_are_the_papers():
    model = objectives.BYOL(backbones.small_image_resnet((8, 8, 1), widths=(4, 8)))
    model.compile()
    assert model.projection_widths == model.prediction_widths == (4096, 256)
    assert (model.momentum.start, model.momentum.end) == (0.996, 1.0)
    assert type(model.optimizer) is optimizers.LARS
    assert model.optimizer.get_config()["learning_rate"]["config"]["peak"] == 0.2
    assert model.optimizer.get_config()["weight_decay"] == 1.5e-6


def test_the_loss_adds_both_directions_against_the_teacher(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.0))
    views = pictures, pictures[::-1].copy()
    for weight in (*model.encoder.trainable_variables, *model.projector.trainable_variables):
        weight.assign(weight + 0.1)  # so that student and teacher differ
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    predictions = [model.predictor(model.projector(model.encoder(view.astype("float32")))) for view in views]
    targets = [model.teacher_projector(model.teacher_encoder(view.astype("float32"))) for view in views]
    expected = 4 - 2 * cosine(predictions[0], targets[1]) - 2 * cosine(predictions[1], targets[0])
    assert logged == pytest.approx(expected, rel=1e-5)


def test_the_teacher_follows_after_the_step_by_the_momentum_of_before(pictures):
    model = tiny_model(momentum=0.75)
    model.compile(keras.optimizers.SGD(0.5))
    before = [weight.numpy() for weight in model.teacher_encoder.copy.trainable_weights] or [
        weight.numpy() for weight in model.encoder.trainable_weights
    ]
    history = model.fit(pictures, batch_size=16, verbose=0).history
    assert history["teacher_momentum"] == [0.75]
    kernel = next(weight for weight in model.encoder.weights if weight.name == "kernel")
    teacher = next(weight for weight in model.teacher_encoder.weights if weight.name == "kernel")
    np.testing.assert_allclose(teacher.numpy(), 0.75 * before[0] + 0.25 * kernel.numpy(), atol=1e-6)


def test_the_momentum_rises_to_one_over_the_training(pictures):
    model = tiny_model(momentum=None)
    model.compile(keras.optimizers.SGD(0.01))
    momenta = model.fit(pictures, batch_size=8, epochs=4, verbose=0).history["teacher_momentum"]
    steps = np.arange(8)
    expected = 1 - 0.004 * (1 + np.cos(np.pi * steps / 8)) / 2
    np.testing.assert_allclose(momenta, expected.reshape(4, 2).mean(axis=1), atol=1e-6)


def test_no_gradient_reaches_the_teacher_and_the_optimizer_does_not_know_it():
    model = tiny_model()
    model.compile("adam")
    student = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    student += model.predictor.trainable_variables
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in student]
    assert len(model.optimizer.variables) == 2 + 2 * len(student)


def test_refuses_heads_of_different_widths():
    with pytest.raises(
        ValueError, match=r"must end in the projection's width, 8. Received: prediction_widths=\(16, 4\)"
    ):
        tiny_model(prediction_widths=(16, 4))


@pytest.mark.gate
def test_a_step_with_views_compiles_under_xla(pictures):
    model = tiny_model(momentum=0.9)
    model.compile(keras.optimizers.SGD(0.1), jit_compile=True)
    before = [weight.numpy() for weight in model.teacher_encoder.weights]
    assert np.isfinite(model.fit(pictures, batch_size=8, verbose=0).history["loss"][0])
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.teacher_encoder.weights, strict=True))
