import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.optimizers import LARS, one_dimensional
from keras_ssl.schedules import WarmupCosine


def lars_oracle(weights, gradients, rates, momentum, decay, trust, epsilon, nesterov, excluded):
    """The formula of the docstring, weight by weight, in float64."""
    weights = [np.asarray(weight, "float64") for weight in weights]
    velocities = [np.zeros_like(weight) for weight in weights]
    for step, rate in zip(gradients, rates, strict=True):
        for i, gradient in enumerate(step):
            gradient, ratio = np.asarray(gradient, "float64"), 1.0
            if not excluded[i]:
                gradient = gradient + decay * weights[i]
                norm, weight_norm = np.linalg.norm(gradient), np.linalg.norm(weights[i])
                ratio = trust * weight_norm / (norm + epsilon) if norm > 0 and weight_norm > 0 else 1.0
            velocities[i] = momentum * velocities[i] + rate * ratio * gradient
            weights[i] = weights[i] - (
                momentum * velocities[i] + rate * ratio * gradient if nesterov else velocities[i]
            )
    return weights


@keras.saving.register_keras_serializable("keras_ssl_tests")
def wide(variable):
    """A predicate of one's own."""
    return variable.shape[-1] > 2


@pytest.fixture
def start(rng):
    return [rng.normal(size=shape).astype("float32") for shape in [(4, 3), (3,), (3, 2), (2,)]]


@pytest.fixture
def gradients(start, rng):
    return [[rng.normal(size=weight.shape).astype("float32") for weight in start] for _ in range(4)]


def apply_all(optimizer, start, gradients):
    weights = [keras.Variable(weight) for weight in start]
    optimizer.build(weights)
    for step in gradients:
        optimizer.apply([tf.constant(gradient) for gradient in step], weights)
    return [weight.numpy() for weight in weights]


def assert_all_close(found, expected, **tolerance):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, **{"rtol": 1e-5, "atol": 1e-6, **tolerance})


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("epsilon", [0.0, 0.5])
@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.0), (0.0, 0.3), (0.9, 0.3)])
def test_equals_the_formula(start, gradients, momentum, decay, epsilon, nesterov):
    optimizer = LARS(0.2, momentum, decay, trust_coefficient=0.1, epsilon=epsilon, nesterov=nesterov)
    excluded = [False, True, False, True]
    expected = lars_oracle(start, gradients, [0.2] * 4, momentum, decay, 0.1, epsilon, nesterov, excluded)
    assert_all_close(apply_all(optimizer, start, gradients), expected)


@pytest.mark.parametrize(
    ("exclude", "excluded"),
    [(one_dimensional, [False, True, False, True]), (wide, [True, True, False, False]), (None, [False] * 4)],
    ids=["one_dimensional", "own", "none"],
)
def test_the_predicate_chooses_and_round_trips(start, gradients, exclude, excluded):
    optimizer = LARS(0.2, 0.9, 0.3, trust_coefficient=0.1, epsilon=1e-3, nesterov=True, exclude=exclude, clipvalue=9.0)
    config = keras.saving.serialize_keras_object(optimizer)
    loaded = keras.saving.deserialize_keras_object(config)
    assert loaded.exclude is exclude
    assert loaded.get_config() == optimizer.get_config()
    expected = lars_oracle(start, gradients, [0.2] * 4, 0.9, 0.3, 0.1, 1e-3, True, excluded)
    for one in (optimizer, loaded):
        assert_all_close(apply_all(one, start, gradients), expected)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_zero_weights_leave_zero_and_zero_gradients_stay_finite(decay):
    zeros, ones = np.zeros((2, 2), "float32"), np.ones((2, 2), "float32")
    start, gradients = [zeros, ones, zeros], [[ones, zeros, zeros]]
    found = apply_all(LARS(0.5, 0.9, decay), start, gradients)
    assert_all_close(found, lars_oracle(start, gradients, [0.5], 0.9, decay, 0.001, 0.0, False, [False] * 3))
    np.testing.assert_array_equal(found[0], -0.5 * ones)  # no norm, no adaptation: a plain step
    np.testing.assert_array_equal(found[2], zeros)


def test_the_step_does_not_depend_on_the_scale_of_the_gradient(start, gradients):
    scaled = [[1000 * gradient for gradient in step] for step in gradients]
    found = [apply_all(LARS(0.2, exclude=None), start, given) for given in (gradients, scaled)]
    assert_all_close(*found)


def test_follows_a_schedule(start, gradients):
    schedule = WarmupCosine(1.0, warmup_steps=2, total_steps=4)
    rates = [0.0, 0.5, 1.0, 0.5]
    expected = lars_oracle(start, gradients, rates, 0.9, 0.1, 0.001, 0.0, False, [False, True, False, True])
    assert_all_close(apply_all(LARS(schedule, weight_decay=0.1), start, gradients), expected)


def test_under_accumulation_steps_by_the_mean_gradient(start, gradients):
    optimizer = LARS(0.2, weight_decay=0.1, gradient_accumulation_steps=2)
    means = [[(a + b) / 2 for a, b in zip(*gradients[i : i + 2], strict=True)] for i in (0, 2)]
    expected = lars_oracle(start, means, [0.2] * 2, 0.9, 0.1, 0.001, 0.0, False, [False, True, False, True])
    assert_all_close(apply_all(optimizer, start, gradients), expected)


def test_within_loss_scaling_undoes_the_scale_and_skips_what_overflows(start, gradients):
    optimizer = keras.optimizers.LossScaleOptimizer(LARS(0.2, weight_decay=0.1, epsilon=0.5), initial_scale=8.0)
    scaled = [[8 * gradient for gradient in step] for step in gradients]
    bad = [[np.full_like(gradient, np.inf) for gradient in gradients[0]]]
    found = apply_all(optimizer, start, scaled + bad)
    excluded = [False, True, False, True]
    assert_all_close(found, lars_oracle(start, gradients, [0.2] * 4, 0.9, 0.1, 0.001, 0.5, False, excluded))


def test_rows_of_an_embedding_step_as_a_dense_gradient_would(rng):
    """Gradients of embeddings come as slices."""
    table = rng.normal(size=(5, 2)).astype("float32")
    dense = np.zeros_like(table)
    dense[[1, 3]] = [[3, 3], [4, 4]]
    slices = tf.IndexedSlices(tf.constant([[1.0, 1], [4, 4], [2, 2]]), tf.constant([1, 3, 1]), tf.constant([5, 2]))
    weight = keras.Variable(table)
    optimizer = LARS(0.2, weight_decay=0.1)
    optimizer.build([weight])
    optimizer.apply([slices], [weight])
    expected = lars_oracle([table], [[dense]], [0.2], 0.9, 0.1, 0.001, 0.0, False, [False])
    assert_all_close([weight.numpy()], expected)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_saved_model_trains_on_to_the_same_numbers(rng, tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.normal(size=(16, 1)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1)])
    model.compile(LARS(0.5, weight_decay=0.01, trust_coefficient=0.1, exclude=wide), "mse")
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    before = model.get_weights()
    for one in (model, loaded):
        one.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.0}, r"`momentum` must be in \[0, 1\).*momentum=1.0"),
        ({"momentum": -0.1}, r"`momentum` must be in \[0, 1\).*momentum=-0.1"),
        ({"weight_decay": -1e-6}, "`weight_decay` must not be negative.*weight_decay=-1e-06"),
        ({"trust_coefficient": 0.0}, "`trust_coefficient` must be positive.*trust_coefficient=0.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        LARS(**arguments)
