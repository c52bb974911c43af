import keras
import numpy as np
import pytest

from keras_ssl import augment, losses, objectives, schedules


def open_encoder():
    """Takes pictures of any size."""
    pixels = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(6, 3, activation="tanh")(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


@keras.saving.register_keras_serializable("keras_ssl_tests")
def two_sizes(x, rng):
    """Two large views that differ and a small one."""
    x = keras.ops.cast(x, "float32")
    return x, 255.0 - x, x[:, 2:7, 2:7]


def tiny_model(**kwargs):
    options = {"projection_widths": (8, 4), "prototype_count": 5, "momentum": 0.5}
    return objectives.DINO(open_encoder(), **{**options, "augment": augment.Augmentation(two_sizes), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def teacher_logits(model, pictures):
    return [
        model.teacher_prototypes(model.teacher_projector(model.teacher_encoder(view))).numpy()
        for view in two_sizes(pictures, None)[:2]
    ]


def test_defaults_are_the_papers():
    model = objectives.DINO(open_encoder(), prototype_count=16)
    model.compile()
    assert model.projection_widths == (2048, 2048, 256)
    assert objectives.DINO.__init__.__defaults__[1] == 65536
    assert (model.student_temperature, model.center_momentum) == (0.1, 0.9)
    assert (model.momentum.start, model.momentum.end) == (0.996, 1.0)
    warmup = model.teacher_temperature
    assert (type(warmup), warmup.start, warmup.end, warmup.warmup_epochs) == (schedules.LinearWarmup, 0.04, 0.07, 30)
    assert model.augment is augment.image.dino_views
    kinds = {type(layer).__name__ for layer in model.projector.stack.layers}
    assert "BatchNormalization" not in kinds
    config = model.optimizer.get_config()
    assert (config["learning_rate"]["config"]["peak"], config["weight_decay"], config["clipnorm"]) == (5e-4, 0.04, 3.0)


def test_the_loss_compares_all_views_with_the_teachers_large_ones(pictures):
    model = tiny_model(student_temperature=0.3, teacher_temperature=0.2)
    model.compile(keras.optimizers.SGD(0.0))
    model.center.assign(np.linspace(-0.1, 0.1, 5))
    for weight in model.trainable_variables:
        weight.assign(weight + 0.1)  # so that student and teacher differ
    logged = model.evaluate(pictures, batch_size=16, verbose=0, return_dict=True)["loss"]
    student = [model.prototypes(model.projector(model.encoder(view))) for view in two_sizes(pictures, None)]
    expected = losses.dino(teacher_logits(model, pictures), student, model.center.numpy(), 0.2, 0.3)
    assert logged == pytest.approx(float(expected), rel=1e-5)


def test_the_center_moves_towards_the_teachers_mean_of_before_the_step(pictures):
    model = tiny_model(center_momentum=0.75)
    model.compile(keras.optimizers.SGD(0.5))
    model.center.assign(np.full(5, 0.2))
    mean = np.concatenate(teacher_logits(model, pictures)).mean(axis=0)
    model.fit(pictures, batch_size=16, verbose=0)
    np.testing.assert_allclose(model.center.numpy(), 0.75 * 0.2 + 0.25 * mean, atol=1e-6)


def test_the_last_layer_of_the_student_is_held_and_the_teachers_follows_it(pictures):
    model = tiny_model(frozen_epochs=1)
    model.compile(keras.optimizers.Adam(0.1))
    drawn = model.prototypes.kernel.numpy()
    model.fit(pictures, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.prototypes.kernel.numpy(), drawn)
    model.fit(pictures, batch_size=16, verbose=0)  # an epoch of one step
    moved = model.prototypes.kernel.numpy()
    assert np.abs(moved - drawn).max() > 1e-3
    np.testing.assert_allclose(model.teacher_prototypes.copy.kernel.numpy(), (drawn + moved) / 2, atol=1e-6)


def test_the_teachers_temperature_rises(pictures):
    model = tiny_model(teacher_temperature=schedules.LinearWarmup(0.1, 0.3, warmup_epochs=2))
    model.compile(keras.optimizers.SGD(0.0))
    views = two_sizes(pictures, None)
    for epochs, expected in ((0, 0.1), (1, 0.2), (1, 0.3), (1, 0.3)):
        if epochs:
            model.fit(pictures, batch_size=8, epochs=epochs, verbose=0)
        assert float(model.forward(views, training=False)["teacher_temperature"]) == pytest.approx(expected)


def test_the_optimizer_knows_the_student_alone():
    model = tiny_model()
    model.compile("sgd")
    student = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    student += model.prototypes.trainable_variables
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in student]


def test_loads_as_it_was_saved(pictures, tmp_path):
    model = tiny_model(teacher_temperature=schedules.LinearWarmup(0.1, 0.3, warmup_epochs=2), momentum=None)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(pictures, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(pictures, verbose=0) == model.evaluate(pictures, verbose=0)
    assert np.abs(loaded.center.numpy()).max() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"student_temperature": 0}, "`student_temperature` must be positive. Received: student_temperature=0"),
        ({"teacher_temperature": -0.1}, "`teacher_temperature` must be positive. Received: teacher_temperature=-0.1"),
        ({"center_momentum": 1.0}, r"`center_momentum` must be in \[0, 1\). Received: center_momentum=1.0"),
        ({"frozen_epochs": -1}, "`frozen_epochs` must not be negative. Received: frozen_epochs=-1"),
        ({"momentum": 1.5}, r"`momentum` must be in \[0, 1\]. Received: momentum=1.5"),
        ({"prototype_count": 0}, "`prototype_count` must be positive. Received: prototype_count=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**arguments)


def test_batch_normalisation_in_the_head_is_a_choice():
    def normalised(model):
        return [isinstance(one, keras.layers.BatchNormalization) for one in model.projector.stack.layers]

    model = tiny_model(batch_normalization=True)
    assert any(normalised(model))
    assert normalised(type(model).from_config(model.get_config())) == normalised(model)
    assert not any(normalised(tiny_model()))
