import numpy as np
import pytest

from keras_ssl import losses, testing


def cross_entropy_oracle(targets, logits):
    """Row by row."""
    total = 0.0
    for row, target in zip(logits, targets, strict=True):
        logs = row - np.log(np.sum(np.exp(row)))
        total -= logs[target] if np.ndim(target) == 0 else np.dot(target, logs)
    return total / len(logits)


def test_of_classes_equals_the_formula(rng):
    arguments = {"targets": np.array([2, 0, 3, 2]), "logits": rng.normal(size=(4, 5))}
    testing.run_loss_test(losses.cross_entropy, cross_entropy_oracle, arguments)


def test_of_distributions_equals_the_formula(rng):
    targets = rng.random((4, 5))
    arguments = {"targets": targets / targets.sum(axis=1, keepdims=True), "logits": 3 * rng.normal(size=(4, 5))}
    testing.run_loss_test(losses.cross_entropy, cross_entropy_oracle, arguments, tolerance=1e-4)


def test_is_finite_where_softmax_underflows():
    logits = np.array([[200.0, -200.0]], "float32")
    assert float(losses.cross_entropy(np.array([1]), logits)) == pytest.approx(400.0)


def test_parts_average_to_the_whole(rng):
    targets, logits = rng.integers(0, 3, 6), rng.normal(size=(6, 3)).astype("float32")
    parts = [losses.cross_entropy(targets[i : i + 3], logits[i : i + 3]) for i in (0, 3)]
    assert np.mean(parts) == pytest.approx(float(losses.cross_entropy(targets, logits)), abs=1e-6)


@pytest.mark.parametrize("targets", [np.ones((2, 3)), np.ones(3, "int32"), np.ones((2, 4, 1))])
def test_refuses(targets):
    with pytest.raises(ValueError, match=r"`targets` must have the shape.*Received: targets.shape=\("):
        losses.cross_entropy(targets, np.ones((2, 4)))
