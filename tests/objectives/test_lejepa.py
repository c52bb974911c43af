import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, losses, objectives
from keras_ssl.random import RowDraws


def tiny_model(shape=(8, 8, 1), **kwargs):
    encoder = backbones.small_image_resnet(shape, widths=(4, 8))
    return objectives.LeJEPA(encoder, **{"projection_widths": (16, 4), "slices": 16, **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def outputs_of(model, views):
    drawn = model.views({"views": views}, RowDraws(seed=0, step=0, rows=len(views[0])), False)
    return drawn, model.objective(model.forward(drawn, training=False))


def test_defaults_are_the_papers():
    model = objectives.LeJEPA(backbones.small_image_resnet((8, 8, 1), widths=(4, 8)))
    assert (model.slices, model.global_views, model.term_weights) == (1024, 2, {"prediction": 0.95, "sigreg": 0.05})
    optimizer = model.default_optimizer()
    assert type(optimizer) is keras.optimizers.AdamW
    assert optimizer.get_config()["learning_rate"]["config"]["peak"] == 5e-4
    assert optimizer.weight_decay == 0.05


@pytest.mark.parametrize("size", [8, None])
def test_default_views_are_two_global_and_six_local_ones(pictures, size):
    model = tiny_model((size, size, 1))
    views = model.augment(pictures, RowDraws(seed=0, step=0, rows=16))
    assert [view.shape[1] for view in views] == ([8] * 8 if size else [224] * 2 + [98] * 6)


@pytest.mark.parametrize("global_views", [2, None])
def test_each_view_predicts_the_mean_of_the_global_ones(pictures, global_views):
    model = tiny_model(global_views=global_views)
    views = tuple((pictures * factor).astype("float32") for factor in (1.0, 0.5, 0.2))
    drawn, terms = outputs_of(model, views)
    z = np.stack([model.projector(model.encoder(view)) for view in views])
    center = z[:global_views].mean(axis=0)
    assert float(terms["prediction"]) == pytest.approx(np.mean([np.mean((center - one) ** 2) for one in z]), rel=1e-4)
    tests = [losses.sigreg(one, drawn["directions"]) for one in z]
    assert float(terms["sigreg"]) == pytest.approx(np.mean(tests), rel=1e-4)


def test_views_of_two_sizes_are_taken(pictures):
    model = tiny_model((None, None, 1))
    model.compile(keras.optimizers.SGD(0.01))
    views = pictures, pictures[::-1].copy(), pictures[:, :4, :4].copy()
    logged = model.fit({"views": views}, batch_size=8, verbose=0).history
    assert logged["loss"][0] == pytest.approx(0.95 * logged["prediction"][0] + 0.05 * logged["sigreg"][0], rel=1e-5)


def test_directions_are_new_at_each_step_and_shared_by_replicas(pictures):
    model = tiny_model()
    views = {"views": (pictures, pictures)}

    def directions(step, replica=0):
        return model.views(views, RowDraws(seed=0, step=step, rows=16, replica=replica), True)["directions"].numpy()

    assert directions(0).shape == (16, 4)
    np.testing.assert_array_equal(directions(0), directions(0, replica=1))
    assert not np.allclose(directions(0), directions(1))


def test_gradient_reaches_all_views(pictures):
    """No stop-gradient: also the mean that is predicted carries one."""
    model = tiny_model(sigreg_weight=0.0)
    views = tuple(tf.constant((pictures * factor).astype("float32")) for factor in (1.0, 0.5, 0.2))
    with tf.GradientTape() as tape:
        tape.watch(views)
        drawn = {"views": views, "directions": tf.eye(4)}
        loss = model.objective(model.forward(drawn, training=False))["prediction"]
    first, _, _ = tape.gradient(loss, views)
    with tf.GradientTape() as tape:
        tape.watch(views[0])
        z = [model.projector(model.encoder(view)) for view in views]
        center = tf.stop_gradient((z[0] + z[1]) / 2)
        loss = tf.add_n([tf.reduce_mean((center - one) ** 2) for one in z]) / 3
    assert not np.allclose(first, tape.gradient(loss, views[0]), rtol=1e-2, atol=1e-9)


def test_refuses(pictures):
    with pytest.raises(ValueError, match=r"`sigreg_weight` must be in \[0, 1\]. Received: sigreg_weight=2"):
        tiny_model(sigreg_weight=2)
    with pytest.raises(ValueError, match="`slices` must be positive. Received: slices=0"):
        tiny_model(slices=0)
    with pytest.raises(ValueError, match="`global_views` must be positive. Received: global_views=0"):
        tiny_model(global_views=0)
    with pytest.raises(ValueError, match="must be at least 2 in number for LeJEPA. Received: 1 views"):
        tiny_model().fit({"views": (pictures,)}, batch_size=8, verbose=0)


def test_takes_an_encoder_of_several_inputs_with_given_views(rng):
    inputs = {name: keras.Input((3,), name=name) for name in ("left", "right")}
    encoder = keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Concatenate()([inputs["left"], inputs["right"]])))
    model = objectives.LeJEPA(encoder, projection_widths=(8, 4), slices=8)
    view = {name: rng.normal(size=(8, 3)).astype("float32") for name in inputs}
    history = model.fit({"views": (view, view)}, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
