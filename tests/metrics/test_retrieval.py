import importlib

import numpy as np
import pytest

from keras_ssl import metrics

module = importlib.import_module("keras_ssl.metrics.retrieval")


def oracle(queries, candidates, targets, at):
    """Query by query, in float64."""
    ranks = []
    for number, query in enumerate(queries):
        right = {candidate for row, candidate in targets if row == number}
        cosines = [np.dot(query, c) / np.linalg.norm(query) / np.linalg.norm(c) for c in candidates]
        nearest = max(cosines[candidate] for candidate in right)
        wrong = [cosine for candidate, cosine in enumerate(cosines) if candidate not in right]
        ranks.append(1 + sum(cosine >= nearest for cosine in wrong))
    found = {f"recall@{k}": np.mean([rank <= k for rank in ranks]) for k in at}
    return {**found, "mrr": np.mean([1 / rank for rank in ranks])}


def test_equals_the_formula(rng):
    queries = rng.normal(size=(40, 6))
    candidates = queries + rng.normal(size=(40, 6))
    targets = np.arange(40)[:, None].repeat(2, axis=1)
    found = metrics.retrieval(queries, candidates)
    assert found == pytest.approx(oracle(queries, candidates, targets, (1, 5, 10)), abs=1e-9)
    assert 0.1 < found["recall@1"] < found["recall@5"] < found["recall@10"] < 1


@pytest.mark.parametrize("at_once", [1, 300, 10_000])
def test_several_right_candidates_and_blocks(rng, monkeypatch, at_once):
    monkeypatch.setattr(module, "COSINES_AT_ONCE", at_once)
    queries, candidates = rng.normal(size=(13, 4)), rng.normal(size=(60, 4))
    targets = np.concatenate([np.stack([rng.permutation(13), rng.integers(0, 60, 13)], 1) for _ in range(3)])
    expected = oracle(queries, candidates, targets.tolist(), (1, 3))
    assert metrics.retrieval(queries, candidates, targets, at=(1, 3)) == pytest.approx(expected, abs=1e-9)


def test_other_right_candidates_do_not_stand_in_the_way():
    queries, candidates = np.eye(3)[:1], np.array([[1.0, 0.0, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])
    assert metrics.retrieval(queries, candidates, np.array([[0, 1], [0, 0]]), at=(1,))["recall@1"] == 1.0
    assert metrics.retrieval(queries, candidates, np.array([[0, 1]]), at=(1,)) == {"recall@1": 0.0, "mrr": 0.5}


def test_a_collapsed_encoder_finds_nothing(rng):
    direction = rng.normal(size=7)
    found = metrics.retrieval(np.tile(direction, (50, 1)), np.outer(rng.uniform(1, 9, 50), direction))
    assert found == {"recall@1": 0.0, "recall@5": 0.0, "recall@10": 0.0, "mrr": pytest.approx(1 / 50)}
    zeros = metrics.retrieval(np.zeros((50, 3)), np.zeros((50, 3)))
    assert zeros["mrr"] == pytest.approx(1 / 50)


def test_many_candidates_take_little_memory(rng, monkeypatch):
    seen = []
    monkeypatch.setattr(module, "_ranks", lambda *a: seen.append(a[4]) or np.ones(1, int))
    queries = np.ones((100_000, 1), "float32")
    metrics.retrieval(queries, queries)
    assert set(seen) == {167}
    assert len(seen) == 599


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queries": np.ones(3)}, r"`queries` must have the shape.*queries.shape=\(3,\)"),
        ({"candidates": np.ones((0, 2))}, "`candidates` must have the shape"),
        ({"candidates": np.array([[1.0, np.nan], [1.0, 1.0]])}, "1 of 2 rows of candidates"),
        ({"candidates": np.ones((2, 3))}, "the same number of features"),
        ({"candidates": np.ones((3, 2))}, "`targets` must be given.*2 queries, 3 candidates"),
        ({"targets": np.ones(2, int)}, r"`targets` must be integers of shape \(pairs, 2\)"),
        ({"targets": np.array([[0, 0], [1, 2]])}, "`targets` must be rows of the 2 queries"),
        ({"targets": np.array([[0, 0], [0, 1]])}, "1 queries without one"),
        ({"at": ()}, r"`at` must be.*at=\(\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.retrieval(**{"queries": np.ones((2, 2)), "candidates": np.ones((2, 2)), **arguments})
