import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def koleo_oracle(z):
    """The paper's sum over rows, with the epsilon of DINOv2."""
    z = [row / np.linalg.norm(row) for row in z]
    total = 0.0
    for i, row in enumerate(z):
        nearest = min(np.linalg.norm(row - other) for j, other in enumerate(z) if j != i)
        total -= np.log(nearest + 1e-8)
    return total / len(z)


def test_equals_the_formula(rng):
    testing.run_loss_test(losses.koleo, koleo_oracle, {"z": 5.0 * rng.normal(size=(7, 3))})


def test_close_rows_keep_their_digits():
    z = np.array([[1.0, 0.0], [1.0, 1e-4]])
    assert float(losses.koleo(z)) == pytest.approx(-np.log(1e-4), abs=1e-3)


def test_copies_have_a_finite_loss_and_no_gradient():
    z = tf.constant([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = losses.koleo(z)
    assert float(loss) == pytest.approx(-np.log(1e-8), abs=1e-2)
    assert not np.any(tape.gradient(loss, z))


def test_gradient_parts_neighbours(rng):
    z = tf.constant(rng.normal(size=(8, 3)), "float32")
    with tf.GradientTape() as tape:
        tape.watch(z)
        loss = losses.koleo(z)
    assert float(losses.koleo(z - 0.01 * tape.gradient(loss, z))) < float(loss)


@pytest.mark.parametrize("shape", [(1, 3), (3,)])
def test_refuses(shape):
    with pytest.raises(ValueError, match=r"`z` must have the shape \(batch, dim\) with 2 rows or more.*z.shape="):
        losses.koleo(np.ones(shape))
