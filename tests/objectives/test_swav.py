import keras
import numpy as np
import pytest

from keras_ssl import augment, losses, objectives, optimizers


def open_encoder():
    """Takes pictures of any size."""
    pixels = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(6, 3, activation="tanh")(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def tiny_model(**kwargs):
    return objectives.SwAV(
        open_encoder(),
        **{"projection_widths": (8, 4), "prototype_count": 3, "augment": augment.Augmentation(crops), **kwargs},
    )


@keras.saving.register_keras_serializable("keras_ssl_tests")
def crops(x, rng):
    """Two large views that differ and a small one."""
    x = keras.ops.cast(x, "float32")
    return x, 255.0 - x, x[:, 2:7, 2:7]


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def lengths(model):
    return np.linalg.norm(model.prototypes.kernel.numpy(), axis=0)


def test_defaults_are_the_papers():
    model = objectives.SwAV(open_encoder())
    model.compile()
    assert model.projection_widths == (2048, 128)
    assert (model.prototype_count, model.temperature, model.epsilon, model.sinkhorn_iterations) == (3000, 0.1, 0.05, 3)
    assert model.augment is augment.image.swav_views
    assert type(model.optimizer) is optimizers.LARS
    config = model.optimizer.get_config()
    assert (config["weight_decay"], config["exclude"]) == (1e-6, None)
    rate = config["learning_rate"]["config"]
    assert (rate["peak"], rate["end"], rate["warmup_epochs"]) == (0.3, 3e-4, 10)


def test_the_loss_is_that_of_the_scores_of_all_views(pictures):
    model = tiny_model(temperature=0.3, epsilon=0.2)
    model.compile(keras.optimizers.SGD(0.0))
    logged = model.evaluate(pictures, batch_size=16, verbose=0, return_dict=True)["loss"]
    scores = [model.prototypes(model.projector(model.encoder(view))) for view in crops(pictures, None)]
    expected = losses.swav(scores[:2], scores[2:], 0.3, 0.2, 3)
    assert logged == pytest.approx(float(expected), rel=1e-5)


def test_prototypes_stay_for_the_first_epoch_and_then_move_on_the_sphere(pictures):
    model = tiny_model(frozen_epochs=1)
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9))
    model.prototypes.kernel.assign(1.5 * model.prototypes.kernel)  # so that a change of length would be seen
    drawn = model.prototypes.kernel.numpy()
    model.fit(pictures, batch_size=8, verbose=0)
    np.testing.assert_array_equal(model.prototypes.kernel.numpy(), drawn)
    model.fit(pictures, batch_size=8, verbose=0)
    assert np.abs(model.prototypes.kernel.numpy() - drawn).max() > 1e-3
    np.testing.assert_allclose(lengths(model), 1.0, atol=1e-6)


def test_the_queue_holds_the_large_views_and_is_used_from_its_epoch_on(pictures):
    model = tiny_model(queue_size=16, queue_start=1)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(pictures, batch_size=8, shuffle=False, verbose=0)
    large = [model.projector(model.encoder(view), training=False) for view in crops(pictures, None)[:2]]
    assert bool(model.queues[0].filled())
    scores = [model.prototypes(z) for z in large]
    scores.append(model.prototypes(model.projector(model.encoder(crops(pictures, None)[2]))))
    for steps, queued in ((1, False), (2, True)):  # two steps are an epoch
        model.optimizer.iterations.assign(steps)
        queues = [model.prototypes(queue.features_now()) for queue in model.queues] if queued else None
        expected = losses.swav(scores[:2], scores[2:], queue_scores=queues)
        logged = model.evaluate(pictures, batch_size=16, verbose=0, return_dict=True)["loss"]
        assert logged == pytest.approx(float(expected), rel=1e-5)


def test_the_queue_takes_the_projections_of_a_step(pictures):
    model = tiny_model(queue_size=8)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(pictures[:8], batch_size=8, shuffle=False, verbose=0)
    together = model.project_together(crops(pictures[:8], None), training=True)
    for queue, z in zip(model.queues, np.split(np.asarray(losses.normalize(together)), 3), strict=False):
        np.testing.assert_allclose(queue.features_now(), z, atol=1e-5)


def test_batch_statistics_of_the_projector_are_those_of_all_views(pictures):
    model = tiny_model(projection_widths=(4,))
    together = model.project_together(crops(pictures, None), training=True)
    features = np.concatenate([model.encoder(view) for view in crops(pictures, None)])
    np.testing.assert_allclose(together, model.projector(features, training=True), atol=1e-6)


def test_refuses_a_view_that_does_not_fit_the_encoder(pictures):
    pixels = keras.Input((8, 8, 1))
    encoder = keras.Model(pixels, keras.layers.Dense(4)(keras.layers.Flatten()(pixels)))
    model = objectives.SwAV(encoder, projection_widths=(4,), prototype_count=3, augment=augment.Augmentation(crops))
    with pytest.raises(
        ValueError,
        match=r"`augment` must have the shape that the encoder takes.*\(8, 8, 1\).*Received: a view of shape \(5, 5",
    ):
        model.fit(pictures, batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, "`temperature` must be positive. Received: temperature=0"),
        ({"frozen_epochs": -1}, "`frozen_epochs` must not be negative. Received: frozen_epochs=-1"),
        ({"queue_size": -1}, "`queue_size` must not be negative. Received: queue_size=-1"),
        ({"epsilon": -1}, "`epsilon` must be positive. Received: epsilon=-1"),
        ({"prototype_count": 0}, "`prototype_count` must be positive. Received: prototype_count=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**arguments)


def test_refuses_a_queue_longer_than_the_data_and_a_single_view(pictures):
    with pytest.raises(ValueError, match="`queue_size` must be.*Received: queue_size=32"):
        tiny_model(queue_size=32).fit(pictures, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="`views` must be at least 2 in number for SwAV. Received: 1 views"):
        tiny_model().fit({"views": (pictures,)}, batch_size=8, verbose=0)
