import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def unit(vector):
    return vector / np.linalg.norm(vector)


def nce_oracle(z, positives, negatives, normalizer, examples, temperature=0.07, proximal_weight=0.0):
    """Equations 4 to 7, 9 and 10 of the paper, row by row and negative by negative."""
    total = 0.0
    for i, row in enumerate(z):
        own = negatives if negatives.ndim == 2 else negatives[i]
        for j, v in enumerate([positives[i], *own]):
            p = np.exp(np.dot(unit(v), unit(row)) / temperature) / normalizer
            h = p / (p + len(own) * 1 / examples)  # P_n = 1 / n
            total -= np.log(h if j == 0 else 1 - h)
        total += proximal_weight * sum((unit(row) - unit(positives[i])) ** 2)
    return total / len(z)


@pytest.fixture
def arguments(rng):
    return {
        "z": rng.normal(size=(5, 4)),
        "positives": rng.normal(size=(5, 4)),
        "negatives": rng.normal(size=(7, 4)),
        "normalizer": 123.0,
        "examples": 50,
        "temperature": 0.2,
    }


@pytest.mark.parametrize("each_row", [False, True])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("proximal_weight", [0.0, 10.0])
def test_equals_the_formula(rng, arguments, each_row, temperature, proximal_weight):
    arguments.update(temperature=temperature, proximal_weight=proximal_weight)
    if each_row:
        arguments["negatives"] = rng.normal(size=(5, 7, 4))
    testing.run_loss_test(losses.nce, nce_oracle, arguments)


def test_shared_negatives_are_each_rows_own(arguments):
    repeated = np.tile(arguments["negatives"], (5, 1, 1))
    shared = losses.nce(**arguments)
    assert float(losses.nce(**{**arguments, "negatives": repeated})) == pytest.approx(float(shared), rel=1e-6)


def test_where_the_model_is_uniform_a_guess_is_one_against_m():
    """All similarities alike and the normaliser right: P = 1 / n, h = 1 / (1 + m)."""
    ones = np.ones((6, 3), "float32")
    normalizer = float(losses.nce_normalizer(ones, ones, 40, 0.5))
    assert normalizer == pytest.approx(40 * np.exp(2), rel=1e-5)
    expected = np.log(7) + 6 * np.log(7 / 6)
    assert float(losses.nce(ones, ones, ones, normalizer, 40, 0.5)) == pytest.approx(expected, rel=1e-5)


def test_nothing_underflows_at_the_papers_settings(rng):
    """exp(1 / .07) is 1.6 million, and a normaliser of ImageNet's size some 10 ** 7."""
    z = tf.constant(rng.normal(size=(4, 8)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = losses.nce(z, z, -z, normalizer=1e30, examples=1_281_167)
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, z)).all()


def test_two_replicas_average_to_the_whole_batch(arguments):
    z, positives = arguments.pop("z"), arguments.pop("positives")
    parts = [losses.nce(z[rows], positives[rows], **arguments) for rows in ([0, 1], [2, 3])]
    whole = losses.nce(z[:4], positives[:4], **arguments)
    assert np.mean(parts) == pytest.approx(float(whole), rel=1e-6)
    sample = arguments["negatives"]
    parts = [losses.nce_normalizer(z[rows], sample, 50) for rows in ([0, 1], [2, 3])]
    assert np.mean(parts) == pytest.approx(float(losses.nce_normalizer(z[:4], sample, 50)), rel=1e-6)


def test_the_normalizer_of_all_examples_is_the_sum_of_the_softmax(rng):
    z, bank = rng.normal(size=(1, 4)), rng.normal(size=(9, 4))
    exact = sum(np.exp(np.dot(unit(row), unit(z[0])) / 0.3) for row in bank)
    assert float(losses.nce_normalizer(z, bank, 9, 0.3)) == pytest.approx(exact, rel=1e-5)
    assert float(losses.nce_normalizer(z, bank[None], 9, 0.3)) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("proximal_weight", [0.0, 5.0])
def test_gradients_reach_the_projections_alone(arguments, proximal_weight):
    tensors = {name: tf.constant(arguments[name], "float32") for name in ("z", "positives", "negatives")}
    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        loss = losses.nce(**{**arguments, **tensors}, proximal_weight=proximal_weight)
    gradients = tape.gradient(loss, list(tensors.values()))
    assert np.abs(gradients[0]).max() > 0
    assert gradients[1:] == [None, None]


def test_the_normalizer_carries_no_gradient(rng):
    z = tf.constant(rng.normal(size=(2, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(z)
        normalizer = losses.nce_normalizer(z, z, 10)
    assert tape.gradient(normalizer, z) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be positive. Received: temperature=0.0"),
        ({"examples": 0}, "`examples` must be positive. Received: examples=0"),
        ({"proximal_weight": -1.0}, "`proximal_weight` must not be negative. Received: proximal_weight=-1.0"),
        ({"positives": np.ones((4, 4))}, r"must both have the shape.*positives.shape=\(4, 4\)"),
        ({"negatives": np.ones((7, 3))}, r"must have the shape \(m, 4\) or \(batch, m, 4\).*Received.*\(7, 3\)"),
    ],
)
def test_refuses(arguments, changed, message):
    with pytest.raises(ValueError, match=message):
        losses.nce(**{**arguments, **changed})
