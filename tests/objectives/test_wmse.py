import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, losses, objectives
from keras_ssl.random import RowDraws


def tiny_model(**kwargs):
    encoder = backbones.small_image_resnet((8, 8, 1), widths=(4, 8))
    return objectives.WMSE(encoder, **{"projection_widths": (16, 3), "whitening_size": 8, **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    model = objectives.WMSE(backbones.small_image_resnet((8, 8, 1), widths=(4, 8)))
    assert (model.projection_widths, model.whitening_size, model.iterations) == ((1024, 64), 128, 1)
    assert model.augment.options == {"strength": 0.5, "crop_scale": (0.2, 1.0), "grayscale": 0.1, "blur": 0.0}
    optimizer = model.default_optimizer()
    assert type(optimizer) is keras.optimizers.Adam
    assert optimizer.get_config()["learning_rate"]["config"]["peak"] == 3e-3


def test_the_loss_whitens_in_the_orders_of_the_step(pictures):
    model = tiny_model(iterations=2, epsilon=0.1)
    views = tuple(view.astype("float32") for view in (pictures, pictures[::-1], pictures + 1))
    drawn = model.views({"views": views}, RowDraws(seed=0, step=0, rows=16), False)
    orders = drawn["orders"].numpy()
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(16), (2, 1)))
    assert not np.array_equal(orders[0], orders[1])
    loss = model.objective(model.forward(drawn, training=False))["wmse"]
    z = [model.projector(model.encoder(view)) for view in views]
    options = {"permutations": orders, "epsilon": 0.1}
    pairs = [losses.wmse(z[i], z[j], 8, **options) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert float(loss) == pytest.approx(np.mean(pairs), rel=1e-5)


def test_the_orders_are_the_same_on_both_replicas_and_new_at_each_step(pictures, two_replicas):
    with two_replicas.scope():
        model = tiny_model()

    def orders(step):
        def on_replica():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            draws = RowDraws(seed=0, step=step, rows=8, replica=index, replicas=2)
            return model.views({"views": (pictures[:8], pictures[:8])}, draws, True)["orders"]

        return [one.numpy() for one in two_replicas.experimental_local_results(two_replicas.run(on_replica))]

    first, second = orders(step=0)
    assert first.shape == (1, 16)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, orders(step=1)[0])


def test_refuses(pictures):
    with pytest.raises(ValueError, match="`batch_size` must be at least 8 for WMSE.*Received: batch_size=4"):
        tiny_model().fit(pictures, batch_size=4, verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be a multiple of 8 for WMSE.*Received: batch_size=12"):
        tiny_model().fit(pictures, batch_size=12, verbose=0)
    with pytest.raises(ValueError, match="above the width of the projection, 3, better.*Received: whitening_size=3"):
        tiny_model(whitening_size=3)
    with pytest.raises(ValueError, match="`iterations` must be positive. Received: iterations=0"):
        tiny_model(iterations=0)
    with pytest.raises(ValueError, match=r"`epsilon` must be in \[0, 1\). Received: epsilon=1"):
        tiny_model(epsilon=1)


def test_refuses_a_last_batch_that_cannot_be_cut_into_parts(pictures):
    model, rows = tiny_model(), np.concatenate([pictures, pictures[:12]])
    with pytest.raises(ValueError, match="`batch_size` must leave no last batch of 12 rows.*Received: 12 rows over"):
        model.fit(rows, batch_size=16, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="`batch_size` must leave no last batch.*multiple of 8"):
        model.evaluate(rows, batch_size=16, verbose=0)
    assert np.isfinite(model.evaluate(rows[:24], batch_size=16, verbose=0, return_dict=True)["loss"])


def test_collapsed_projections_end_the_training_with_a_clear_error(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1))
    for weight in model.projector.trainable_variables:
        weight.assign(tf.zeros_like(weight))
    with pytest.raises(FloatingPointError):
        model.fit({"views": (pictures, pictures)}, batch_size=16, verbose=0)
