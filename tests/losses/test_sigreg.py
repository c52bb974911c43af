import numpy as np
import pytest

from keras_ssl import losses, testing


def sigreg_oracle(z, directions, points=17, limit=5.0):
    """Algorithm 1 of the paper: complex numbers, both sides of zero, direction by direction."""
    places = np.linspace(-limit, limit, points)
    statistics = []
    for direction in directions:
        along = [row @ direction / np.linalg.norm(direction) for row in z]
        errors = []
        for t in places:
            found = sum(np.exp(1j * t * value) for value in along) / len(along)
            errors.append(abs(found - np.exp(-(t**2) / 2)) ** 2 * np.exp(-(t**2) / 2))
        statistics.append(len(z) * np.trapezoid(errors, places))
    return np.mean(statistics)


@pytest.mark.parametrize("options", [{}, {"points": 33, "limit": 3.0}, {"points": 3, "limit": 1.0}])
def test_equals_the_formula(rng, options):
    arguments = {"z": rng.normal(size=(9, 4)) * 2.0 + 0.5, "directions": rng.normal(size=(5, 4)), **options}
    testing.run_loss_test(losses.sigreg, sigreg_oracle, arguments)


def test_of_normal_rows_is_small_and_does_not_grow_with_them(rng):
    directions = rng.normal(size=(256, 8))
    expected = np.sqrt(2 * np.pi) * (1 - 1 / np.sqrt(3))  # the integral of (1 - exp(-t^2)) exp(-t^2 / 2)
    for rows in (200, 2000):
        found = np.mean([losses.sigreg(rng.normal(size=(rows, 8)), directions) for _ in range(4)])
        assert found == pytest.approx(expected, rel=0.2)


def test_of_collapsed_rows_is_known_by_hand():
    expected = 50 * np.sqrt(2 * np.pi) * (1 - np.sqrt(2) + 1 / np.sqrt(3))
    assert float(losses.sigreg(np.zeros((50, 3)), np.eye(3))) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("directions", "options", "message"),
    [
        (np.eye(2), {}, r"`directions` must have the shape \(k, dim\) with dim=3.*directions.shape=\(2, 2\)"),
        (np.eye(3), {"points": 4}, "`points` must be an odd number of at least 3. Received: points=4"),
        (np.eye(3), {"limit": 0.0}, "`limit` must be positive. Received: limit=0.0"),
    ],
)
def test_refuses(directions, options, message):
    with pytest.raises(ValueError, match=message):
        losses.sigreg(np.ones((4, 3)), directions, **options)
