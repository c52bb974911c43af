import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.optimizers import CoupledSGD, one_dimensional
from keras_ssl.schedules import StepDecay


def sgd_oracle(weights, gradients, rates, momentum, decay, nesterov, excluded):
    """The pseudocode of PyTorch's documentation of `torch.optim.SGD`, number by number, in float64."""
    weights = [np.array(weight, "float64") for weight in weights]
    buffers = [np.zeros_like(weight) for weight in weights]
    for step, rate in zip(gradients, rates, strict=True):
        for weight, buffer, gradient, spared in zip(weights, buffers, step, excluded, strict=True):
            for place in np.ndindex(weight.shape):
                g = float(gradient[place]) + (0.0 if spared else decay * weight[place])
                buffer[place] = momentum * buffer[place] + g
                weight[place] -= rate * (g + momentum * buffer[place] if nesterov else buffer[place])
    return weights


@pytest.fixture
def start(rng):
    return [rng.normal(size=shape).astype("float32") for shape in [(4, 3), (3,)]]


@pytest.fixture
def gradients(start, rng):
    return [[rng.normal(size=weight.shape).astype("float32") for weight in start] for _ in range(4)]


def apply_all(optimizer, start, gradients):
    weights = [keras.Variable(weight) for weight in start]
    optimizer.build(weights)
    for step in gradients:
        optimizer.apply([tf.constant(gradient) for gradient in step], weights)
    return [weight.numpy() for weight in weights]


def assert_all_close(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.3), (0.9, 0.3)])
def test_equals_the_formula(start, gradients, momentum, decay, nesterov):
    found = apply_all(CoupledSGD(0.2, momentum, decay, nesterov=nesterov), start, gradients)
    assert_all_close(found, sgd_oracle(start, gradients, [0.2] * 4, momentum, decay, nesterov, [False, False]))


def test_a_fall_of_the_rate_is_felt_at_once(start, gradients):
    rate = StepDecay(0.5, boundaries=(0.5,), total_steps=4)
    found = apply_all(CoupledSGD(rate, 0.9, 0.1), start, gradients)
    rates = [0.5, 0.5, 0.05, 0.05]
    assert_all_close(found, sgd_oracle(start, gradients, rates, 0.9, 0.1, False, [False, False]))
    theirs = apply_all(keras.optimizers.SGD(rate, 0.9), start, gradients)
    ours = apply_all(CoupledSGD(rate, 0.9), start, gradients)
    assert not np.allclose(theirs[0], ours[0], atol=1e-2)  # Keras's goes on at the old rate for a while


def test_at_a_constant_rate_without_decay_it_is_that_of_keras(start, gradients):
    ours, theirs = (kind(0.2, momentum=0.9, nesterov=True) for kind in (CoupledSGD, keras.optimizers.SGD))
    assert_all_close(apply_all(ours, start, gradients), apply_all(theirs, start, gradients))


def test_the_predicate_chooses_and_round_trips(start, gradients):
    optimizer = CoupledSGD(0.2, 0.8, 0.3, nesterov=True, exclude=one_dimensional, clipvalue=9.0)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert loaded.exclude is one_dimensional
    assert loaded.get_config() == optimizer.get_config()
    expected = sgd_oracle(start, gradients, [0.2] * 4, 0.8, 0.3, True, [False, True])
    for one in (optimizer, loaded):
        assert_all_close(apply_all(one, start, gradients), expected)


def test_under_accumulation_decays_once_an_update(start, gradients):
    optimizer = CoupledSGD(0.2, 0.9, 0.3, gradient_accumulation_steps=2)
    means = [[(a + b) / 2 for a, b in zip(*gradients[i : i + 2], strict=True)] for i in (0, 2)]
    expected = sgd_oracle(start, means, [0.2] * 2, 0.9, 0.3, False, [False, False])
    assert_all_close(apply_all(optimizer, start, gradients), expected)


def test_within_loss_scaling_the_decay_is_not_scaled(start, gradients):
    optimizer = keras.optimizers.LossScaleOptimizer(CoupledSGD(0.2, 0.9, 0.3), initial_scale=8.0)
    scaled = [[8 * gradient for gradient in step] for step in gradients]
    expected = sgd_oracle(start, gradients, [0.2] * 4, 0.9, 0.3, False, [False, False])
    assert_all_close(apply_all(optimizer, start, scaled), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.0}, r"`momentum` must be in \[0, 1\). Received: momentum=1.0"),
        ({"weight_decay": -1e-6}, "`weight_decay` must not be negative. Received: weight_decay=-1e-06"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        CoupledSGD(**arguments)
