import keras
import numpy as np
import pytest

from keras_ssl import losses, objectives


def tiny_encoder():
    pixels = keras.Input((8, 8, 1))
    return keras.Model(pixels, keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(pixels)))


def tiny_model(**kwargs):
    return objectives.DCL(tiny_encoder(), **kwargs)


@pytest.fixture
def pictures(rng):
    return rng.random((16, 8, 8, 1)).astype("float32")


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_the_loss_is_that_of_the_projections_of_both_views(pictures, sigma):
    model = tiny_model(temperature=0.5, sigma=sigma)
    model.compile(keras.optimizers.SGD(0.0))
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)
    z0, z1 = (model.projector(model.encoder(view)) for view in views)
    expected = float(losses.decoupled_contrastive(z0, z1, 0.5, sigma=sigma))
    assert logged["loss"] == pytest.approx(expected, rel=1e-5)
    assert 0 <= logged["accuracy"] <= 1


def test_the_weights_matter(pictures):
    plain, weighted = (tiny_model(sigma=sigma) for sigma in (None, 0.1))
    weighted.set_weights(plain.get_weights())
    views = {"views": (pictures, np.roll(pictures, 1, axis=0))}
    plain_loss, weighted_loss = (model.evaluate(views, batch_size=16, verbose=0)[0] for model in (plain, weighted))
    assert abs(plain_loss - weighted_loss) > 1e-3


def test_its_config_holds_what_simclrs_does_and_sigma():
    model = tiny_model(temperature=0.3, sigma=0.7)
    revived = objectives.DCL.from_config(model.get_config())
    assert (revived.temperature, revived.sigma, revived.projection_widths) == (0.3, 0.7, (8, 128))


@pytest.mark.parametrize(("name", "value"), [("temperature", 0.0), ("sigma", 0.0)])
def test_refuses(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: {name}={value}"):
        tiny_model(**{name: value})
