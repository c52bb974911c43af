import keras
import numpy as np
import pytest

from keras_ssl import augment, data, losses, objectives, optimizers, testing


def tiny_encoder():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(pixels)))


def tiny_model(**kwargs):
    return objectives.MoCo(tiny_encoder(), **{"projection_widths": (8, 4), "queue_size": 16, **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.random((16, 8, 8, 1)).astype("float32")


@pytest.fixture
def views(pictures):
    return pictures, pictures[::-1].copy()


def moved_student(model, rng):
    """So that student and teacher differ."""
    for weight in (*model.encoder.trainable_variables, *model.projector.trainable_variables):
        weight.assign(weight + 0.1 * rng.normal(size=weight.shape))
    return model


def student(model, view):
    return model.projector(model.encoder(view))


def teacher(model, view):
    return model.teacher_projector(model.teacher_encoder(view))


def test_defaults_are_the_papers():
    model = objectives.MoCo(tiny_encoder())
    model.compile()
    assert model.projection_widths == (8, 128)
    assert not any("batch_normalization" in layer.name for layer in model.projector.stack.layers)
    assert (model.temperature, model.queue_size, model.symmetric) == (0.2, 65536, False)
    assert [float(model.momentum(step)) for step in (0, 10**6)] == pytest.approx([0.999] * 2)
    assert type(model.optimizer) is optimizers.CoupledSGD
    assert model.optimizer.get_config()["weight_decay"] == 1e-4
    rate = model.optimizer.get_config()["learning_rate"]["config"]
    assert (rate["peak"], rate["reference_batch_size"], rate["warmup_epochs"]) == (0.03, 256, 0)
    assert model.augment.options == {"strength": 0.5, "crop_scale": (0.2, 1.0), "shuffle": True}


def test_the_loss_compares_the_first_view_with_the_teachers_second_and_the_queue(views, rng):
    model = moved_student(tiny_model(temperature=0.5), rng)
    model.compile(keras.optimizers.SGD(0.0))
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)
    queries, keys = student(model, views[0]), teacher(model, views[1])
    expected = float(losses.info_nce(queries, keys, model.queue.features_now(), 0.5))
    assert logged["loss"] == pytest.approx(expected, rel=1e-5)
    similarities = losses.normalize(queries) @ np.asarray(model.queue.features_now()).T
    won = np.sum(losses.normalize(queries) * losses.normalize(keys), axis=1) > np.max(similarities, axis=1)
    assert logged["accuracy"] == pytest.approx(np.mean(won))


def test_the_symmetric_loss_is_the_mean_of_both_directions(views, rng):
    model = moved_student(tiny_model(symmetric=True), rng)
    model.compile(keras.optimizers.SGD(0.0))
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    negatives = model.queue.features_now()
    directions = [
        losses.info_nce(student(model, query), teacher(model, key), negatives, 0.2)
        for query, key in (views, reversed(views))
    ]
    assert logged == pytest.approx(np.mean(directions), rel=1e-5)


def test_the_queue_takes_the_teachers_keys_in_the_place_of_the_oldest(views, rng):
    model = moved_student(tiny_model(momentum=1.0, queue_size=12), rng)
    model.compile(keras.optimizers.SGD(0.1))
    keys = np.asarray(losses.normalize(teacher(model, views[1])))
    model.fit({"views": views}, batch_size=8, shuffle=False, verbose=0)
    expected = np.concatenate([keys[12:], keys[4:12]])  # the last four went round
    np.testing.assert_allclose(model.queue.features_now(), expected, atol=1e-6)


def test_the_symmetric_queue_takes_the_keys_of_both_views(views, rng):
    model = moved_student(tiny_model(momentum=1.0, symmetric=True), rng)
    model.compile(keras.optimizers.SGD(0.1))
    keys = np.concatenate([teacher(model, views[1])[8:], teacher(model, views[0])[8:]])
    model.fit({"views": views}, batch_size=8, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.queue.features_now(), losses.normalize(keys), atol=1e-6)


def test_neither_teacher_nor_queue_is_trained():
    model = tiny_model()
    model.compile("adam")
    trained = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in trained]
    assert len(model.optimizer.variables) == 2 + 2 * len(trained)


def test_refuses_a_queue_that_does_not_fit_the_data(pictures):
    for size, limit in ((7, "at least .*, 8"), (17, "at most .*, 16")):
        with pytest.raises(ValueError, match=f"`queue_size` must be {limit}.*queue_size={size}"):
            tiny_model(queue_size=size).fit(pictures, batch_size=8, verbose=0)


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("queue_size", 0)])
def test_refuses(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: {name}={value}"):
        tiny_model(**{name: value})


@pytest.mark.gate
def test_the_symmetric_way_is_the_same_on_two_replicas(two_replicas):
    pictures = data.load("fashion_mnist_sample").images(np.arange(32))[:, ::4, ::4]
    views = augment.Augmentation(augment.image.simclr_views, blur=0.0, crop_scale=(0.3, 1.0))

    def make():
        pixels = keras.Input((7, 7, 1))
        x = keras.layers.Rescaling(1 / 255)(pixels)
        encoder = keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(x)))
        return objectives.MoCo(
            encoder, projection_widths=(8, 4), momentum=0.9, queue_size=16, symmetric=True, augment=views, seed=3
        )

    testing.check_replicas(make, pictures, two_replicas)
