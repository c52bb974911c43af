import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, objectives, optimizers


def tiny_encoder():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(pixels)))


def tiny_model(**kwargs):
    options = {"projection_widths": (16, 4), "prediction_widths": (16, 4), "queue_size": 16, **kwargs}
    return objectives.NNCLR(tiny_encoder(), **options)


@pytest.fixture
def views(rng):
    return tuple(rng.random((16, 8, 8, 1)).astype("float32") for _ in range(2))


def nearest(z, queue):
    """Row by row: the feature of the queue with the largest cosine."""
    queue = np.asarray(queue)
    return np.stack([max(queue, key=lambda feature, row=row: np.dot(feature, row)) for row in np.asarray(z)])


def test_defaults_are_the_papers():
    model = objectives.NNCLR(tiny_encoder())
    model.compile()
    assert (model.projection_widths, model.prediction_widths) == ((2048, 2048, 256), (4096, 256))
    assert (model.temperature, model.queue_size) == (0.1, 98304)
    assert isinstance(model.projector.stack.layers[-1], keras.layers.BatchNormalization)
    assert isinstance(model.predictor.stack.layers[-1], keras.layers.Dense)
    assert type(model.optimizer) is optimizers.LARS
    assert model.optimizer.get_config()["learning_rate"]["config"]["peak"] == 0.3


def test_the_neighbour_of_one_view_looks_for_the_prediction_of_the_other(views):
    model = tiny_model(temperature=0.3)
    model.compile(keras.optimizers.SGD(0.0))
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)["loss"]
    z0, z1 = (model.projector(model.encoder(view)) for view in views)
    p0, p1 = model.predictor(z0), model.predictor(z1)
    neighbours = [nearest(z, model.queue.features_now()) for z in (z0, z1)]
    directions = [
        losses.info_nce(neighbour, p, temperature=0.3) for neighbour, p in zip(neighbours, (p1, p0), strict=True)
    ]
    assert logged == pytest.approx(np.mean(directions), rel=1e-5)


def test_the_first_views_projections_enter_the_queue_after_the_step(views):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.5))
    entering = model.projector(model.encoder(views[0]), training=True)
    model.fit({"views": views}, batch_size=16, verbose=0, shuffle=False)
    np.testing.assert_allclose(model.queue.features_now(), losses.normalize(entering), atol=1e-5)


def test_no_gradient_passes_through_the_neighbour(views):
    """The neighbour of the first view meets the prediction of the second: the first view's pixels learn nothing."""
    model = tiny_model()
    first, second = (tf.constant(view) for view in views)
    with tf.GradientTape() as tape:
        tape.watch([first, second])
        outputs = model.forward((first, second), training=False)
        one_way = losses.nt_xent_of_logits(outputs["logits"][:16], outputs["partners"][:16])
    gradients = tape.gradient(one_way, [first, second])
    assert gradients[0] is None or not np.any(gradients[0])
    assert np.any(gradients[1])


def test_refuses_a_queue_that_does_not_fit_the_data(views):
    for size, limit in ((7, "at least .*, 8"), (17, "at most .*, 16")):
        with pytest.raises(ValueError, match=f"`queue_size` must be {limit}.*queue_size={size}"):
            tiny_model(queue_size=size).fit(views[0], batch_size=8, verbose=0)


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("queue_size", 0)])
def test_refuses(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: {name}={value}"):
        tiny_model(**{name: value})
