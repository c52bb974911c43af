import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def whitened(z, epsilon):
    mean = sum(z) / len(z)
    covariance = sum(np.outer(row - mean, row - mean) for row in z) / (len(z) - 1)
    root = np.linalg.cholesky((1 - epsilon) * covariance + epsilon * np.eye(z.shape[1]))
    return [np.linalg.inv(root) @ (row - mean) for row in z]


def wmse_oracle(z0, z1, whitening_size, permutations=None, epsilon=0.0):
    """The paper's whitening, part by part and row by row."""
    orders = [np.arange(len(z0))] if permutations is None else permutations
    distances = []
    for order in orders:
        for start in range(0, len(order), whitening_size):
            part = order[start : start + whitening_size]
            for a, b in zip(whitened(z0[part], epsilon), whitened(z1[part], epsilon), strict=True):
                distances.append(np.sum((a / np.linalg.norm(a) - b / np.linalg.norm(b)) ** 2))
    return np.mean(distances)


@pytest.mark.parametrize("options", [{}, {"epsilon": 0.3}, {"iterations": 3}])
def test_equals_the_formula(rng, options):
    options = dict(options)
    if iterations := options.pop("iterations", None):
        options["permutations"] = np.stack([rng.permutation(12) for _ in range(iterations)])
    arguments = {"z0": rng.normal(size=(12, 3)), "z1": rng.normal(size=(12, 3)), "whitening_size": 6, **options}
    testing.run_loss_test(losses.wmse, wmse_oracle, arguments, symmetric=("z0", "z1"))


def test_stretching_a_view_changes_nothing(rng):
    z0, z1 = (rng.normal(size=(16, 3)) for _ in range(2))
    lower = np.array([[2.0, 0.0, 0.0], [1.0, 3.0, 0.0], [-1.0, 0.5, 0.2]])
    expected = float(losses.wmse(z0, z1, whitening_size=8))
    assert float(losses.wmse(z0 @ lower.T + 4.0, z1, whitening_size=8)) == pytest.approx(expected, abs=1e-4)
    assert float(losses.wmse(z0, -z0, whitening_size=8)) == pytest.approx(4.0, abs=1e-5)


def test_gradient_reaches_both_views(rng):
    z0, z1 = (tf.constant(rng.normal(size=(8, 3)), "float32") for _ in range(2))
    with tf.GradientTape() as tape:
        tape.watch([z0, z1])
        loss = losses.wmse(z0, z1, whitening_size=8)
    assert all(float(tf.norm(gradient)) > 1e-2 for gradient in tape.gradient(loss, [z0, z1]))


def test_collapsed_rows_are_not_finite_unless_epsilon_helps():
    z = np.ones((8, 3), "float32")
    assert not np.isfinite(float(losses.wmse(z, z, whitening_size=8)))
    assert np.isfinite(float(losses.wmse(z, z, whitening_size=8, epsilon=0.1)))


@pytest.mark.parametrize(
    ("z1", "options", "message"),
    [
        (np.ones((8, 2)), {}, r"must both have the shape.*z1.shape=\(8, 2\)"),
        (np.ones((8, 3)), {"whitening_size": 3}, "must be above the width of the projection, 3.*whitening_size=3"),
        (np.ones((8, 3)), {"whitening_size": 5}, "`whitening_size` must divide the rows of the batch, 8.*=5"),
        (np.ones((8, 3)), {"whitening_size": 4, "epsilon": 1.0}, r"`epsilon` must be in \[0, 1\).*epsilon=1.0"),
    ],
)
def test_refuses(z1, options, message):
    with pytest.raises(ValueError, match=message):
        losses.wmse(np.ones((8, 3)), z1, **options)
