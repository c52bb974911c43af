import numpy as np
import pytest

from keras_ssl import losses, testing

LABELS = np.array([0, 1, 0, 2, 1, 0, 2, 2])


def supervised_oracle(z, labels, temperature):
    """Equation 2 of the paper, row by row; the mean where the paper sums."""
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    total = 0.0
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        denominator = sum(np.exp(np.dot(z[i], z[a]) / temperature) for a in others)
        for p in positives:
            total -= np.log(np.exp(np.dot(z[i], z[p]) / temperature) / denominator) / len(positives)
    return total / len(z)


@pytest.mark.parametrize("temperature", [0.05, 0.1, 2.0])
@pytest.mark.parametrize("labels", [LABELS, np.zeros(8, int), np.arange(8) // 2])
def test_equals_the_formula(rng, temperature, labels):
    arguments = {"z": rng.normal(size=(8, 4)), "labels": labels, "temperature": temperature}
    testing.run_loss_test(losses.supervised_contrastive, supervised_oracle, arguments)


def test_with_a_class_for_each_picture_it_is_nt_xent(rng):
    z0, z1 = (rng.normal(size=(5, 4)).astype("float32") for _ in range(2))
    expected = float(losses.nt_xent(z0, z1, 0.3))
    found = losses.supervised_contrastive(np.concatenate([z0, z1]), np.tile(np.arange(5), 2), 0.3)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_of_indistinguishable_rows_is_the_log_of_the_others():
    assert float(losses.supervised_contrastive(np.ones((8, 3)), LABELS)) == pytest.approx(np.log(7), abs=1e-5)


def test_a_row_without_a_positive_adds_zero_and_counts(rng):
    z = rng.normal(size=(4, 4))
    labels = np.array([0, 0, 1, 2])
    expected = supervised_oracle(z, labels, 0.5)  # its inner loop is empty for the last two
    assert float(losses.supervised_contrastive(z, labels, 0.5)) == pytest.approx(expected, rel=1e-5)
    assert float(losses.supervised_contrastive(z, np.arange(4), 0.5)) == 0.0


def test_two_replicas_average_to_the_whole_batch(rng):
    z = rng.normal(size=(8, 4)).astype("float32")
    parts = [
        losses.supervised_contrastive(z[i : i + 4], LABELS[i : i + 4], candidates=z, candidate_labels=LABELS, offset=i)
        for i in (0, 4)
    ]
    assert np.mean(parts) == pytest.approx(float(losses.supervised_contrastive(z, LABELS)), rel=1e-5)


ROWS, CLASSES = np.ones((4, 3)), np.zeros(4, int)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be positive.*temperature=0.0"),
        ({"labels": CLASSES[:3]}, r"`z` and `labels` must have the shapes.*\(4, 3\) and \(3,\)"),
        ({"labels": np.eye(4)}, r"`z` and `labels` must have the shapes.*\(4, 3\) and \(4, 4\)"),
        ({"candidates": ROWS}, "must be given together.*Received: candidates alone"),
        ({"candidate_labels": CLASSES}, "must be given together.*Received: candidate_labels alone"),
        ({"candidates": ROWS, "candidate_labels": CLASSES[:1]}, r"`candidates` and.*\(4, 3\) and \(1,\)"),
        ({"z": ROWS[:1], "labels": CLASSES[:1]}, "at least two rows.*Received: 1 row"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.supervised_contrastive(**{"z": ROWS, "labels": CLASSES, **arguments})
