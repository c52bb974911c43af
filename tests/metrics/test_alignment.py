import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.metrics import alignment


def unit(z):
    return z / np.linalg.norm(z, axis=1, keepdims=True)


@pytest.mark.parametrize("alpha", [1, 2, 3])
def test_equals_the_formula(rng, alpha):
    z0, z1 = rng.normal(size=(2, 30, 6)) * 4
    expected = (np.linalg.norm(unit(z0) - unit(z1), axis=1) ** alpha).mean()
    np.testing.assert_allclose(alignment(z0, z1, alpha), expected, rtol=1e-5)
    np.testing.assert_allclose(alignment(z1, z0, alpha), expected, rtol=1e-5)


def test_extremes(rng):
    z = rng.normal(size=(5, 3))
    assert float(alignment(z, 7 * z)) == pytest.approx(0.0, abs=1e-6)
    assert float(alignment(z, -z)) == pytest.approx(4.0, abs=1e-5)


def test_float32_for_half_precision(rng):
    z0, z1 = (tf.constant(z * 300, "float16") for z in rng.normal(size=(2, 8, 4)))
    value = alignment(z0, z1)
    assert value.dtype == "float32"
    assert np.isfinite(float(value))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"z0.shape=\(2, 3\), z1.shape=\(1, 3\)"):
        alignment(np.ones((2, 3)), np.ones((1, 3)))
