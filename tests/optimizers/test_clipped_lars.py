import keras
import numpy as np
import pytest

from keras_ssl.optimizers import LARS, ClippedLARS, CoupledSGD
from keras_ssl.schedules import WarmupCosine


def oracle(weight, gradients, rates, decay, trust):
    """A kernel, step by step in float64, momentum .9."""
    weight, velocity = np.asarray(weight, "float64"), 0.0
    for gradient, rate in zip(gradients, rates, strict=True):
        whole = gradient + decay * weight
        ratio = trust * np.linalg.norm(weight) / np.linalg.norm(whole)
        velocity = 0.9 * velocity + min(ratio, rate) * whole
        weight = weight - velocity
    return weight


def moved(optimizer, weights, gradients, scale=1.0):
    variables = [keras.Variable(weight) for weight in weights]
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(scale * gradient) for gradient in step], variables)
    return [variable.numpy() for variable in variables]


@pytest.fixture
def weights(rng):
    return [rng.normal(size=(4, 3)).astype("float32"), rng.normal(size=3).astype("float32")]


@pytest.fixture
def gradients(weights, rng):
    """Steps whose ratio is above the rate and steps whose ratio is below, in turn."""
    sizes = (0.01, 3.0, 0.01, 3.0)
    return [[(size * rng.normal(size=weight.shape)).astype("float32") for weight in weights] for size in sizes]


def test_equals_the_formula_under_a_schedule(weights, gradients):
    schedule = WarmupCosine(0.4, warmup_steps=2, total_steps=5)
    rates = [float(schedule(step)) for step in range(4)]
    (kernel, bias) = moved(ClippedLARS(schedule, weight_decay=0.01, trust_coefficient=0.02), weights, gradients)
    expected = oracle(weights[0], [step[0] for step in gradients], rates, decay=0.01, trust=0.02)
    np.testing.assert_allclose(kernel, expected, rtol=1e-5, atol=1e-6)
    # A bias has no decay and no ratio; neither rate 0 nor a bound changes that.
    velocity, expected = 0.0, weights[1].astype("float64")
    for step, rate in zip(gradients, rates, strict=True):
        velocity = 0.9 * velocity + rate * step[1]
        expected = expected - velocity
    np.testing.assert_allclose(bias, expected, rtol=1e-5, atol=1e-6)


def test_is_lars_at_rate_one_where_the_ratio_is_below_the_rate(weights, gradients):
    large = gradients[1::2]
    settings = {"weight_decay": 0.1, "trust_coefficient": 0.02}
    found = moved(ClippedLARS(0.5, **settings), weights, large)[0]
    np.testing.assert_allclose(found, moved(LARS(1.0, **settings), weights, large)[0], rtol=1e-5)


# What the recipes for Barlow Twins and BYOL rely on where a benchmark has another scale of the loss.
@pytest.mark.parametrize(
    "make",
    [
        lambda rate, decay: ClippedLARS(rate, weight_decay=decay, trust_coefficient=0.02),
        lambda rate, decay: CoupledSGD(rate, weight_decay=decay),
    ],
)
def test_a_tenth_of_the_loss_is_a_tenth_of_the_rate_and_ten_times_the_decay(make, weights, gradients):
    found = moved(make(0.03, 1e-3), weights, gradients)
    expected = moved(make(0.3, 1e-4), weights, gradients, scale=0.1)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_its_config_makes_it_anew(weights, gradients):
    optimizer = ClippedLARS(0.3, weight_decay=0.1, trust_coefficient=0.02)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(again) is ClippedLARS
    for a, b in zip(moved(again, weights, gradients), moved(optimizer, weights, gradients), strict=True):
        np.testing.assert_array_equal(a, b)
