import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.metrics import uniformity
from keras_ssl.metrics.uniformity import ROWS_AT_ONCE


def oracle(z, t=2):
    z = np.asarray(z, "float64")
    u = z / np.linalg.norm(z, axis=1, keepdims=True)
    squared = ((u[:, None] - u[None]) ** 2).sum(axis=-1)
    return np.log(np.exp(-t * squared[np.triu_indices(len(z), 1)]).mean())


@pytest.mark.parametrize("t", [0.5, 2, 4])
def test_equals_the_formula(rng, t):
    z = rng.normal(size=(40, 5)) * 3
    np.testing.assert_allclose(uniformity(z, t), oracle(z, t), rtol=1e-5)


def test_chunks_see_every_pair_once(rng):
    z = rng.normal(size=(ROWS_AT_ONCE + 77, 3))
    np.testing.assert_allclose(uniformity(z), oracle(z), rtol=1e-5)


def test_collapse_is_zero_and_no_more(rng):
    z = np.tile(rng.normal(size=(1, 16)), (9, 1))
    assert float(uniformity(z)) == pytest.approx(0.0, abs=1e-5)
    assert float(uniformity(z)) <= 0


def test_same_number_inside_a_graph(rng):
    z = tf.constant(rng.normal(size=(12, 4)), "float32")
    np.testing.assert_allclose(tf.function(uniformity)(z), uniformity(z), rtol=1e-6)


def test_float32_for_half_precision(rng):
    z = tf.constant(rng.normal(size=(12, 4)) * 300, "float16")
    assert uniformity(z).dtype == "float32"
    np.testing.assert_allclose(uniformity(z), oracle(z.numpy()), rtol=1e-4)


def test_bad_input():
    with pytest.raises(ValueError, match=r"2 rows or more. Received: z.shape=\(1, 3\)"):
        uniformity(np.ones((1, 3)))
