import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def decoupled_oracle(z0, z1, temperature, sigma=None):
    """L_DC and L_DCW of the paper, row by row; the mean where the paper sums."""
    z = np.concatenate([z0, z1])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    count, pairs = len(z), len(z0)
    closeness = [np.exp(np.dot(z[i], z[i + pairs]) / sigma) if sigma else 1.0 for i in range(pairs)]
    total = 0.0
    for i in range(count):
        j = (i + pairs) % count
        weight = 2 - closeness[i % pairs] / np.mean(closeness)
        negatives = [np.exp(np.dot(z[i], z[k]) / temperature) for k in range(count) if k not in (i, j)]
        total += -weight * np.dot(z[i], z[j]) / temperature + np.log(sum(negatives))
    return total / count


@pytest.mark.parametrize("temperature", [0.05, 0.1, 2.0])
@pytest.mark.parametrize("sigma", [None, 0.1, 0.5])
def test_equals_the_formula(rng, temperature, sigma):
    arguments = {"z0": rng.normal(size=(6, 4)), "z1": rng.normal(size=(6, 4)), "temperature": temperature}
    if sigma is not None:
        arguments["sigma"] = sigma
    testing.run_loss_test(losses.decoupled_contrastive, decoupled_oracle, arguments, symmetric=("z0", "z1"))


def test_of_indistinguishable_rows():
    z = np.ones((4, 3), "float32")
    # Six negatives, all as similar as the positive: log 6 + 1 / T - 1 / T.
    assert float(losses.decoupled_contrastive(z, z, 0.5)) == pytest.approx(np.log(6), abs=1e-5)


def test_its_gradient_for_the_positive_is_not_held_back_by_easy_negatives():
    """The coupling that the paper removes: NT-Xent hardly pulls where the negatives are far already."""
    z0, z1 = tf.constant([[1.0, 0.0], [-1.0, 0.0]]), tf.constant([[0.8, 0.6], [-0.8, -0.6]])
    pulls = {}
    for loss in (losses.nt_xent, losses.decoupled_contrastive):
        with tf.GradientTape() as tape:
            tape.watch(z0)
            value = loss(z0, z1, 0.1)
        pulls[loss.__name__] = float(tf.norm(tape.gradient(value, z0)))
    assert pulls["nt_xent"] < 1e-4 < 1 < pulls["decoupled_contrastive"]


@pytest.mark.parametrize("sigma", [None, 0.5])
def test_two_replicas_average_to_the_whole_batch(rng, sigma):
    z0, z1 = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    parts = [
        losses.decoupled_contrastive(z0[i : i + 3], z1[i : i + 3], sigma=sigma, candidates=(z0, z1), offset=i)
        for i in (0, 3)
    ]
    assert np.mean(parts) == pytest.approx(float(losses.decoupled_contrastive(z0, z1, sigma=sigma)), abs=1e-5)


def test_weights_are_larger_for_distant_pairs_and_one_on_average():
    z0, z1 = np.eye(2, dtype="float32"), np.array([[1.0, 0.0], [1.0, 0.0]], "float32")  # similarities 1 and 0
    weights = np.asarray(losses.von_mises_fisher_weights(z0, z1, 0.5))
    share = np.exp(2.0) / np.mean([np.exp(2.0), 1.0])
    np.testing.assert_allclose(weights, [2 - share, share] * 2, rtol=1e-5)


def test_weights_of_a_small_spread_are_finite(rng):
    z0, z1 = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    assert np.isfinite(losses.von_mises_fisher_weights(z0, z0, 1e-2)).all()
    assert np.isfinite(losses.decoupled_contrastive(z0, z1, sigma=0.02))


def test_weights_carry_no_gradient():
    z0, z1 = tf.constant(np.eye(3), "float32"), tf.constant(np.eye(3)[::-1].copy(), "float32")
    with tf.GradientTape() as tape:
        tape.watch([z0, z1])
        weights = losses.von_mises_fisher_weights(z0, z1)
    assert tape.gradient(weights, [z0, z1]) == [None, None]


@pytest.mark.parametrize(
    ("z0", "arguments", "message"),
    [
        (np.ones((2, 3)), {"temperature": 0.0}, "`temperature` must be positive.*temperature=0.0"),
        (np.ones((2, 3)), {"sigma": 0.0}, "`sigma` must be positive.*sigma=0.0"),
        (np.ones((3, 3)), {}, r"must both have the shape.*\(3, 3\)"),
    ],
)
def test_refuses(z0, arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.decoupled_contrastive(z0, np.ones((2, 3)), **arguments)


def test_refuses_a_batch_without_a_negative():
    with pytest.raises(ValueError, match="at least two rows.*Received: 1 row"):
        losses.decoupled_contrastive(np.ones((1, 3)), np.ones((1, 3)))
