import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import augment, losses, objectives, optimizers


def tiny_model(**kwargs):
    pixels = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    encoder = keras.Model(pixels, keras.layers.Dense(8)(x))
    return objectives.ReSSL(encoder, **{"projection_widths": (16, 6), "queue_size": 16, **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    defaults = {name: one.default for name, one in inspect.signature(objectives.ReSSL).parameters.items()}
    assert (defaults["projection_widths"], defaults["queue_size"]) == ((4096, 512), 131072)
    assert (defaults["student_temperature"], defaults["teacher_temperature"]) == (0.1, 0.04)
    model = tiny_model()
    assert model.augment is augment.image.ressl_views
    assert float(model.momentum(0)) == pytest.approx(0.999)
    assert [weight.name for weight in model.projector.weights] == ["kernel", "bias"] * 2  # no batch normalisation
    optimizer = model.default_optimizer()
    config = optimizer.get_config()
    assert type(optimizer) is optimizers.CoupledSGD
    assert (config["weight_decay"], optimizer.exclude) == (1e-4, optimizers.one_dimensional)
    assert config["learning_rate"]["config"]["peak"] == 0.05
    assert config["learning_rate"]["config"]["warmup_epochs"] == 5


def test_the_student_sees_the_first_view_and_the_teacher_the_second(pictures):
    model = tiny_model(student_temperature=0.2, teacher_temperature=0.05)
    for weight in (*model.encoder.trainable_variables, *model.projector.trainable_variables):
        weight.assign(weight + 0.1)  # so that student and teacher differ
    strong, weak = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": (strong, weak)}, batch_size=16, verbose=0, return_dict=True)["loss"]
    student = model.projector(model.encoder(strong.astype("float32")))
    teacher = model.teacher_projector(model.teacher_encoder(weak.astype("float32")))
    expected = losses.ressl(student, teacher, model.queue.features_now(), 0.2, 0.05)
    assert logged == pytest.approx(float(expected), rel=1e-5)


def test_what_enters_the_queue_is_the_teachers_and_comes_after_the_comparison(pictures):
    model = tiny_model(momentum=1.0)
    model.compile(keras.optimizers.SGD(0.0))
    views = {"views": (pictures, pictures[::-1].copy())}
    before = model.queue.features_now().numpy()
    student = model.projector(model.encoder(pictures.astype("float32"), training=True))
    weak = pictures[::-1].astype("float32")
    teacher = model.teacher_projector(model.teacher_encoder(weak, training=True))
    expected = float(losses.ressl(student, teacher, before))
    assert model.fit(views, batch_size=16, shuffle=False, verbose=0).history["loss"][0] == pytest.approx(expected, 1e-4)
    np.testing.assert_allclose(model.queue.features_now(), losses.normalize(teacher), atol=1e-4)


def test_no_gradient_reaches_the_teacher_or_the_queue(pictures):
    model = tiny_model()
    with tf.GradientTape() as tape:
        others = [*model.teacher_encoder.variables, *model.teacher_projector.variables, model.queue.features]
        tape.watch([variable.value for variable in others])
        views = tuple(tf.cast(view, "float32") for view in (pictures, pictures[::-1]))
        loss = model.objective(model.forward(views, training=True))["ressl"]
    student = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    gradients = tape.gradient(loss, [variable.value for variable in (*student, *others)])
    assert all(gradient is not None for gradient in gradients[: len(student)])
    assert all(gradient is None for gradient in gradients[len(student) :])
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in student]


@pytest.mark.parametrize("queue_size", [7, 17])
def test_a_queue_that_does_not_fit_the_data_is_refused(pictures, queue_size):
    with pytest.raises(ValueError, match=f"`queue_size` must be at .*Received: queue_size={queue_size}"):
        tiny_model(queue_size=queue_size).fit(pictures, batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"student_temperature": 0.0}, "`student_temperature` must be positive. Received: student_temperature=0.0"),
        ({"teacher_temperature": -1.0}, "`teacher_temperature` must be positive. Received: teacher_temperature=-1.0"),
        ({"teacher_temperature": 0.1}, "must be below the student's, 0.1,.*Received: teacher_temperature=0.1"),
        ({"queue_size": 0}, "`queue_size` must be positive. Received: queue_size=0"),
    ],
)
def test_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**changed)
