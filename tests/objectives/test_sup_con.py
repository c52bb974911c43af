import keras
import numpy as np
import pytest

from keras_ssl import losses, objectives, optimizers

LABELS = np.arange(16) % 3


def tiny_encoder():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(pixels)))


def tiny_model(**kwargs):
    return objectives.SupCon(tiny_encoder(), **{"projection_widths": (16, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.random((16, 8, 8, 1)).astype("float32")


def project(model, view):
    features = np.asarray(model.encoder(view))
    return model.projector(features / np.linalg.norm(features, axis=1, keepdims=True))


def test_defaults_are_the_papers():
    model = objectives.SupCon(tiny_encoder())
    model.compile()
    assert (model.projection_widths, model.temperature) == ((2048, 128), 0.1)
    assert type(model.optimizer) is optimizers.LARS
    assert model.optimizer.get_config()["learning_rate"]["config"]["peak"] == 0.4


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], LABELS.astype("uint8")])
def test_the_loss_is_that_of_all_views_with_the_labels_of_their_pictures(pictures, count, labels, rng):
    model = tiny_model(temperature=0.5)
    for weight in model.projector.trainable_variables:  # without biases, the length of features would not matter
        weight.assign(rng.normal(size=weight.shape))
    model.compile(keras.optimizers.SGD(0.0))
    views = tuple(np.roll(pictures, shift, axis=2) for shift in range(count))
    logged = model.evaluate({"views": views}, labels, batch_size=16, verbose=0, return_dict=True)["loss"]
    z = np.concatenate([project(model, view) for view in views])
    expected = float(losses.supervised_contrastive(z, np.tile(LABELS, count), 0.5))
    assert logged == pytest.approx(expected, rel=1e-5)


def test_labels_change_what_is_learned(pictures):
    learned = []
    for labels in (LABELS, np.arange(16)):
        keras.utils.set_random_seed(0)
        model = tiny_model()
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(pictures, labels, batch_size=16, shuffle=False, verbose=0)
        learned.append(model.projector.get_weights()[0])
    assert np.abs(learned[0] - learned[1]).max() > 1e-4


def test_batches_without_labels_are_refused(pictures):
    with pytest.raises(ValueError, match="`x` must come with labels, for SupCon learns from it"):
        tiny_model().fit(pictures, batch_size=8, verbose=0)


def test_one_hot_labels_are_refused(pictures):
    with pytest.raises(ValueError, match=r"`labels` must have the shapes \(rows, dim\) and \(rows,\)"):
        tiny_model().fit({"x": pictures, "y": np.eye(3, dtype="int64")[LABELS]}, batch_size=8, verbose=0)


def test_labels_that_are_no_classes_are_refused(pictures):
    with pytest.raises(ValueError, match="`y` must be integers, the class of each row. Received: dtype .*float32"):
        tiny_model().fit(pictures, LABELS / np.float32(7), batch_size=8, verbose=0)


def test_refuses(pictures):
    with pytest.raises(ValueError, match="`temperature` must be positive. Received: temperature=0.0"):
        tiny_model(temperature=0.0)
    with pytest.raises(ValueError, match="`batch_size` must be at least 2 for SupCon"):
        tiny_model().fit({"x": pictures[:1], "y": LABELS[:1]}, verbose=0)
