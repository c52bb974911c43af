import numpy as np
import pytest

from keras_ssl import losses, testing


def nt_xent_oracle(z0, z1, temperature):
    """Equation 1 of the paper, row by row."""
    z = np.concatenate([z0, z1])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    count = len(z)
    total = 0.0
    for i in range(count):
        j = (i + count // 2) % count
        scores = np.exp(z @ z[i] / temperature)
        total -= np.log(scores[j] / sum(scores[k] for k in range(count) if k != i))
    return total / count


@pytest.mark.parametrize("temperature", [0.05, 0.5, 2.0])
def test_equals_the_formula(rng, temperature):
    arguments = {"z0": rng.normal(size=(6, 4)), "z1": rng.normal(size=(6, 4)), "temperature": temperature}
    testing.run_loss_test(losses.nt_xent, nt_xent_oracle, arguments, symmetric=("z0", "z1"))


def test_of_indistinguishable_rows_is_the_log_of_the_candidates():
    z = np.ones((4, 3), "float32")
    assert float(losses.nt_xent(z, z)) == pytest.approx(np.log(7), abs=1e-6)


def test_two_replicas_average_to_the_whole_batch(rng):
    z0, z1 = (rng.normal(size=(6, 4)).astype("float32") for _ in range(2))
    parts = [losses.nt_xent(z0[i : i + 3], z1[i : i + 3], candidates=(z0, z1), offset=i) for i in (0, 3)]
    assert np.mean(parts) == pytest.approx(float(losses.nt_xent(z0, z1)), abs=1e-6)


def test_logits_mask_a_row_itself_and_name_its_partner(rng):
    z0, z1 = (rng.normal(size=(3, 4)).astype("float32") for _ in range(2))
    logits, partners = losses.nt_xent_logits(z0, z1)
    assert (np.diag(np.asarray(logits)) < -1e8).all()
    assert np.asarray(partners).tolist() == [3, 4, 5, 0, 1, 2]


@pytest.mark.parametrize(
    ("z0", "z1", "temperature", "message"),
    [
        (np.ones((2, 3)), np.ones((2, 3)), 0.0, "`temperature` must be positive.*temperature=0.0"),
        (np.ones((2, 3)), np.ones((3, 3)), 0.5, r"same|must both have the shape.*\(3, 3\)"),
        (np.ones((1, 3)), np.ones((1, 3)), 0.5, "at least two rows.*Received: 1 row"),
    ],
)
def test_refuses(z0, z1, temperature, message):
    with pytest.raises(ValueError, match=message):
        losses.nt_xent(z0, z1, temperature)
