import numpy as np
import pytest

from keras_ssl import losses, testing


def barlow_twins_oracle(z0, z1, redundancy_weight):
    """Equations 1 and 2 of the paper, entry by entry, with the epsilon of the authors' batch normalisation."""
    rows, dim = z0.shape
    total = 0.0
    for i in range(dim):
        for j in range(dim):
            a, b = (
                (column - column.mean()) / np.sqrt(np.mean((column - column.mean()) ** 2) + 1e-5)
                for column in (z0[:, i], z1[:, j])
            )
            correlation = sum(a[row] * b[row] for row in range(rows)) / rows
            total += (1 - correlation) ** 2 if i == j else redundancy_weight * correlation**2
    return total


@pytest.mark.parametrize("redundancy_weight", [0.0, 0.005, 2.0])
def test_equals_the_formula(rng, redundancy_weight):
    # The views differ in mean and spread: joint statistics would give something else.
    z0, z1 = rng.normal(size=(6, 4)), 3.0 * rng.normal(size=(6, 4)) + 5.0
    arguments = {"z0": z0, "z1": z1, "redundancy_weight": redundancy_weight}
    testing.run_loss_test(losses.barlow_twins, barlow_twins_oracle, arguments, symmetric=("z0", "z1"))


def test_by_hand():
    z = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    assert float(losses.barlow_twins(z, z)) == pytest.approx(0.0, abs=1e-6)
    twice = np.repeat(z[:, :1], 2, axis=1)  # two equal columns: C is all ones
    assert float(losses.barlow_twins(twice, twice, 0.25)) == pytest.approx(0.5, abs=1e-4)
    assert float(losses.barlow_twins(z, np.zeros_like(z))) == pytest.approx(2.0)  # nothing in common: C is zero


def test_means_and_scales_of_columns_do_not_matter(rng):
    z0, z1 = (rng.normal(size=(8, 3)) for _ in range(2))
    moved = losses.barlow_twins(z0 * [2.0, 3.0, 4.0] + 7.0, z1)
    assert float(moved) == pytest.approx(float(losses.barlow_twins(z0, z1)), abs=1e-4)


@pytest.mark.parametrize(
    ("z0", "z1", "weight", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 3)), -1.0, "`redundancy_weight` must not be negative.*redundancy_weight=-1.0"),
        (np.ones((2, 3)), np.ones((3, 3)), 0.1, r"must both have the shape.*z1.shape=\(3, 3\)"),
        (np.ones((1, 3)), np.ones((1, 3)), 0.1, r"2 rows or more.*z0.shape=\(1, 3\)"),
    ],
)
def test_refuses(z0, z1, weight, message):
    with pytest.raises(ValueError, match=message):
        losses.barlow_twins(z0, z1, weight)
