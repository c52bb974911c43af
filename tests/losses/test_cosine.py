import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def negative_cosine_oracle(p, z):
    return -np.mean([np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b)) for a, b in zip(p, z, strict=True)])


def test_equals_the_formula(rng):
    arguments = {"p": rng.normal(size=(6, 4)), "z": rng.normal(size=(6, 4))}
    testing.run_loss_test(losses.negative_cosine, negative_cosine_oracle, arguments, symmetric=("p", "z"))


def test_stops_no_gradient_itself(rng):
    p, z = (tf.constant(rng.normal(size=(3, 4))) for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch([p, z])
        loss = losses.negative_cosine(p, z)
    assert all(np.abs(gradient).max() > 0 for gradient in tape.gradient(loss, [p, z]))


def test_of_a_zero_row_is_finite():
    assert float(losses.negative_cosine(np.zeros((1, 3)), np.ones((1, 3)))) == 0.0


def test_refuses_different_shapes():
    with pytest.raises(ValueError, match=r"same shape.*\(3, 2\)"):
        losses.negative_cosine(np.ones((2, 2)), np.ones((3, 2)))
