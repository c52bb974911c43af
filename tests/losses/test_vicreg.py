import numpy as np
import pytest

from keras_ssl import losses, testing


def vicreg_oracle(z0, z1, invariance_weight, variance_weight, covariance_weight):
    """Algorithm 1 of the paper, entry by entry."""
    rows, dim = z0.shape
    invariance = sum((z0[i, j] - z1[i, j]) ** 2 for i in range(rows) for j in range(dim)) / (rows * dim)
    variance = covariance = 0.0
    for z in (z0, z1):
        mean = [sum(z[:, j]) / rows for j in range(dim)]
        for i in range(dim):
            for j in range(dim):
                together = sum((z[n, i] - mean[i]) * (z[n, j] - mean[j]) for n in range(rows)) / (rows - 1)
                if i == j:
                    variance += max(0.0, 1.0 - np.sqrt(together + 1e-4)) / dim
                else:
                    covariance += together**2 / dim
    return invariance_weight * invariance + variance_weight * variance + covariance_weight * covariance


@pytest.mark.parametrize("weights", [(25.0, 25.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)])
def test_equals_the_formula(rng, weights):
    names = ("invariance_weight", "variance_weight", "covariance_weight")
    # Some columns below the hinge and some above it.
    views = {name: rng.normal(size=(5, 4)) * [0.1, 0.5, 1.0, 3.0] + 2.0 for name in ("z0", "z1")}
    arguments = {**views, **dict(zip(names, weights, strict=True))}
    testing.run_loss_test(losses.vicreg, vicreg_oracle, arguments, symmetric=("z0", "z1"))


def test_the_terms_are_those_of_the_loss(rng):
    z0, z1 = (rng.normal(size=(5, 4)) for _ in range(2))
    terms = [float(term) for term in losses.vicreg_terms(z0, z1)]
    each = [float(losses.vicreg(z0, z1, *np.eye(3)[index])) for index in range(3)]
    assert terms == pytest.approx(each, abs=1e-6)


def test_by_hand():
    z = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")  # unbiased variance 4 / 3, no covariance
    assert [float(term) for term in losses.vicreg_terms(z, z)] == [0.0, 0.0, 0.0]
    assert [float(term) for term in losses.vicreg_terms(z, -z)] == [4.0, 0.0, 0.0]
    collapsed = [float(term) for term in losses.vicreg_terms(0 * z, 0 * z)]
    assert collapsed == pytest.approx([0.0, 2 * 0.99, 0.0])


@pytest.mark.parametrize(
    ("z0", "z1", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 4)), r"must both have the shape.*z1.shape=\(2, 4\)"),
        (np.ones((1, 3)), np.ones((1, 3)), r"2 rows or more.*z0.shape=\(1, 3\)"),
    ],
)
def test_refuses(z0, z1, message):
    with pytest.raises(ValueError, match=message):
        losses.vicreg(z0, z1)
