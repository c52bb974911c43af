import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, losses, objectives


def tiny_model(**kwargs):
    encoder = backbones.small_image_resnet((8, 8, 1), widths=(4, 8))
    return objectives.VICReg(encoder, **{"projection_widths": (16, 8), **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8")


def test_defaults_are_the_papers():
    model = tiny_model()
    assert model.term_weights == {"invariance": 25.0, "variance": 25.0, "covariance": 1.0}
    assert (model.augment.options["blur"], model.augment.options["solarize"]) == ((0.5, 0.5), (0.1, 0.1))
    optimizer = model.default_optimizer().get_config()
    rate = optimizer["learning_rate"]["config"]
    assert (rate["peak"], rate["end"], rate["reference_batch_size"]) == (0.2, 0.002, 256)
    assert optimizer["weight_decay"] == 1e-6


def test_the_loss_weighs_the_terms_that_are_logged(pictures):
    model = tiny_model(invariance_weight=3.0, variance_weight=5.0, covariance_weight=7.0)
    model.compile(keras.optimizers.SGD(0.0))
    views = pictures, pictures[::-1].copy()
    logged = model.evaluate({"views": views}, batch_size=16, verbose=0, return_dict=True)
    z0, z1 = (model.projector(model.encoder(view.astype("float32"))) for view in views)
    terms = [float(term) for term in losses.vicreg_terms(z0, z1)]
    assert [logged[name] for name in model.terms] == pytest.approx(terms, rel=1e-5)
    assert logged["loss"] == pytest.approx(float(losses.vicreg(z0, z1, 3.0, 5.0, 7.0)), rel=1e-5)


def test_the_weights_are_saved():
    model = tiny_model(invariance_weight=3.0, covariance_weight=7.0)
    revived = objectives.VICReg.from_config(model.get_config())
    assert revived.term_weights == {"invariance": 3.0, "variance": 25.0, "covariance": 7.0}


def test_variance_is_what_keeps_from_collapse(rng):
    """Trained on invariance alone the embeddings shrink; the variance term keeps them apart."""
    views = tuple(rng.normal(size=(16, 6)).astype("float32") for _ in range(2))
    spread = {}
    for weight in (0.0, 25.0):
        keras.utils.set_random_seed(0)
        encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8)])
        model = objectives.VICReg(encoder, projection_widths=(4,), variance_weight=weight, covariance_weight=0.0)
        model.compile(keras.optimizers.Adam(3e-2))
        model.fit(tf.data.Dataset.from_tensors({"views": views}).repeat(60), verbose=0)
        spread[weight] = float(np.std(model.projector(model.encoder(views[0])), axis=0).mean())
    assert spread[25.0] > 0.5 > 0.1 > spread[0.0]


@pytest.mark.parametrize("name", ["invariance_weight", "variance_weight", "covariance_weight"])
def test_refuses_a_negative_weight(name):
    with pytest.raises(ValueError, match=f"`{name}` must not be negative. Received: {name}=-1.0"):
        tiny_model(**{name: -1.0})
