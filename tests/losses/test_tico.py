import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def unit(z):
    return [row / np.linalg.norm(row) for row in z]


def tico_oracle(z0, z1, covariance, weight):
    """Algorithm 1 of the paper, row by row."""
    total = 0.0
    for a, b in zip(unit(z0), unit(z1), strict=True):
        total += 1 - a @ b + weight * a @ covariance @ a
    return total / len(z0)


@pytest.mark.parametrize("weight", [0.0, 8.0])
def test_equals_the_formula(rng, weight):
    root = rng.normal(size=(4, 4))
    arguments = {"z0": rng.normal(size=(6, 4)), "z1": rng.normal(size=(6, 4)), "covariance": root @ root.T / 8}
    testing.run_loss_test(losses.tico, tico_oracle, {**arguments, "weight": weight})


def test_the_covariance_equals_the_formula(rng):
    z, before = rng.normal(size=(6, 4)), rng.normal(size=(4, 4))
    expected = 0.7 * before + 0.3 * sum(np.outer(row, row) for row in unit(z)) / 6
    np.testing.assert_allclose(losses.tico_covariance(z, before, momentum=0.7), expected, atol=1e-6)


def test_gradient_passes_through_the_batch_and_not_through_what_was_before(rng):
    """Of the second term with C = (1 - beta) B it is twice what a constant C would give, since u^T B u has u twice."""
    z = tf.constant(rng.normal(size=(6, 4)), "float32")
    before = tf.zeros((4, 4))

    def gradient(weight, fixed):
        with tf.GradientTape() as tape:
            tape.watch([z, before])
            covariance = losses.tico_covariance(z, before, momentum=0.5)
            covariance = tf.stop_gradient(covariance) if fixed else covariance
            loss = losses.tico(z, tf.stop_gradient(z), covariance, weight)
        to_rows, to_before = tape.gradient(loss, [z, before])
        assert to_before is None
        return to_rows.numpy()

    invariance = gradient(0.0, fixed=False)
    through, fixed = gradient(8.0, fixed=False) - invariance, gradient(8.0, fixed=True) - invariance
    np.testing.assert_allclose(through, 2.0 * fixed, atol=1e-5)
    assert np.abs(fixed).max() > 1e-2


def test_parts_of_a_batch_equal_the_whole(rng):
    z0, z1 = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    covariance = losses.tico_covariance(z0, np.eye(4, dtype="float32"))
    parts = [losses.tico(z0[i : i + 3], z1[i : i + 3], covariance) for i in (0, 3)]
    assert np.mean(parts) == pytest.approx(float(losses.tico(z0, z1, covariance)), abs=1e-6)


def test_refuses():
    z, covariance = np.ones((2, 3)), np.eye(3)
    with pytest.raises(ValueError, match=r"must both have the shape.*z1.shape=\(3, 3\)"):
        losses.tico(z, np.ones((3, 3)), covariance)
    with pytest.raises(ValueError, match=r"`covariance` must have the shape.*dim=3.*covariance.shape=\(2, 2\)"):
        losses.tico(z, z, np.eye(2))
    with pytest.raises(ValueError, match="`weight` must not be negative. Received: weight=-1.0"):
        losses.tico(z, z, covariance, weight=-1.0)
    with pytest.raises(ValueError, match=r"`momentum` must be in \[0, 1\). Received: momentum=1.0"):
        losses.tico_covariance(z, covariance, momentum=1.0)
