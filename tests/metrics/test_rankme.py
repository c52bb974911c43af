import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.metrics import rankme


def oracle(z):
    s = np.linalg.svd(np.asarray(z, "float64"), compute_uv=False)
    p = s / s.sum() + 1e-7
    return np.exp(-np.sum(p * np.log(p)))


@pytest.mark.parametrize("shape", [(200, 16), (16, 200), (16, 16), (1, 5)])
def test_equals_the_formula(rng, shape):
    z = rng.normal(1.0, 2.0, shape)
    np.testing.assert_allclose(rankme(z), oracle(z), rtol=1e-9)


def test_exact_when_most_dimensions_are_dead(rng):
    z = rng.normal(size=(5000, 2)) @ rng.normal(size=(2, 64))  # rank 2: a Gram matrix would add noise here
    np.testing.assert_allclose(rankme(z), oracle(z), rtol=1e-9)
    assert rankme(z) < 2.001


def test_not_centred():
    assert rankme(np.tile([[3.0, 4.0]], (10, 1))) == pytest.approx(1.0, abs=1e-5)


def test_half_precision_tensors(rng):
    z = tf.constant(rng.normal(size=(64, 8)), "bfloat16")
    np.testing.assert_allclose(rankme(z), oracle(tf.cast(z, "float64").numpy()), rtol=1e-9)


def test_bad_input(rng):
    with pytest.raises(ValueError, match=r"z.shape=\(4,\)"):
        rankme(np.ones(4))
    z = rng.normal(size=(10, 3))
    z[[2, 5], 1] = np.nan
    with pytest.raises(ValueError, match="2 of 10 rows"):
        rankme(z)
    with pytest.raises(ValueError, match="more than zeros"):
        rankme(np.zeros((4, 2)))
