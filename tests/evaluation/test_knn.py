import subprocess
import sys
import time

import numpy as np
import pytest

from keras_ssl.evaluation import knn, knn_predict


def oracle(bank, labels, queries, neighbors, temperature):
    bank, queries = (f / np.linalg.norm(f, axis=1, keepdims=True) for f in (bank, queries))
    classes = np.unique(labels)
    predicted = []
    for cosine in queries @ bank.T:
        nearest = np.argsort(-cosine, kind="stable")[:neighbors]
        votes = [np.exp(cosine[nearest][labels[nearest] == c] / temperature).sum() for c in classes]
        predicted.append(classes[np.argmax(votes)])
    return np.array(predicted)


@pytest.fixture
def clouds(rng):
    labels = rng.choice([-4, 0, 7, 1000], 301)
    centres = {c: rng.normal(size=9) for c in np.unique(labels)}
    bank = np.stack([centres[c] for c in labels]) + rng.normal(size=(301, 9)) * 1.5
    queries = rng.normal(size=(300, 9))
    return bank, labels, queries


@pytest.mark.parametrize(("neighbors", "temperature"), [(1, 0.07), (20, 0.07), (50, 1.0), (301, 0.5)])
def test_equals_the_formula_for_every_chunk_size(clouds, neighbors, temperature):
    expected = oracle(*clouds, neighbors, temperature)
    for chunk_size in (7, 100, 32_768):
        np.testing.assert_array_equal(knn_predict(*clouds, neighbors, temperature, chunk_size), expected)


def test_weights_can_overrule_the_majority():
    angles = np.radians([1, 60, 61, 62])
    bank, labels = np.stack([np.cos(angles), np.sin(angles)], axis=1), np.array([1, 0, 0, 0])
    query = np.array([[1.0, 0.0]])
    assert knn_predict(bank, labels, query, neighbors=4, temperature=0.07) == [1]
    assert knn_predict(bank, labels, query, neighbors=4, temperature=10.0) == [0]


@pytest.mark.parametrize("chunk_size", [1, 2, 100])
def test_ties_go_to_the_earlier_row_and_the_smaller_class(chunk_size):
    same = np.ones((6, 3))
    assert knn_predict(same, np.array([5, 5, 2, 2, 2, 2]), same[:1], 3, chunk_size=chunk_size) == [5]
    assert knn_predict(same, np.array([5, 5, 2, 2, 2, 2]), same[:1], 4, chunk_size=chunk_size) == [2]


def test_a_tiny_temperature_does_not_overflow(clouds):
    bank, labels, queries = clouds
    np.testing.assert_array_equal(
        knn_predict(bank, labels, queries, 20, 1e-4), knn_predict(bank, labels, queries, 1, 1.0)
    )


def test_accuracy(clouds):
    bank, labels, queries = clouds
    wanted = oracle(bank, labels, queries, 20, 0.07)
    wanted[:75] += 1
    value = knn(bank, labels, queries, wanted)
    assert isinstance(value, float)
    assert value == 0.75


def test_half_precision_features(clouds):
    bank, labels, queries = clouds
    half = knn_predict(bank.astype("float16"), labels, queries.astype("float16"), 5)
    assert (half == oracle(bank, labels, queries, 5, 0.07)).mean() > 0.97


def test_bad_input(clouds):
    bank, labels, queries = clouds
    with pytest.raises(ValueError, match=r"`neighbors` must be from 1 to .* 301. Received: neighbors=302"):
        knn_predict(bank, labels, queries, 302)
    with pytest.raises(ValueError, match="`temperature` must be above 0"):
        knn_predict(bank, labels, queries, temperature=0.0)
    with pytest.raises(ValueError, match="`train_labels` must be given"):
        knn_predict(bank, None, queries)
    with pytest.raises(ValueError, match="`test_labels` must be given"):
        knn(bank, labels, queries, None)
    with pytest.raises(ValueError, match=r"`train_labels` must be integers of shape \(301,\)"):
        knn_predict(bank, labels[:-1], queries)
    with pytest.raises(ValueError, match="as many features"):
        knn_predict(bank, labels, queries[:, 1:])
    with pytest.raises(ValueError, match=r"`test_features` must be an array of shape \(rows, features\)"):
        knn_predict(bank, labels, queries[0])
    queries[3, 2] = np.inf
    with pytest.raises(ValueError, match=r"diverged.*1 of 300 rows of test_features"):
        knn_predict(bank, labels, queries)


def peak_megabytes(rows, dim, tests):
    """Peak memory before and after, of a process of its own."""
    script = f"""
import os, pathlib
os.environ.update(TF_CPP_MIN_LOG_LEVEL="2", CUDA_VISIBLE_DEVICES="-1")
import numpy as np
from keras_ssl.evaluation import knn
rng = np.random.default_rng(0)
bank, labels = rng.random(({rows}, {dim}), "float32"), np.arange({rows}) % 10
queries = bank[:{tests}] * 2
knn(bank[:100], labels[:100], queries, labels[:{tests}])
status = pathlib.Path("/proc/self/status")  # `ru_maxrss` starts at the peak of the process that started this one
peak = lambda: int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
before = peak()
accuracy = knn(bank, labels, queries, labels[:{tests}], temperature=1e-3)
print(accuracy, before, peak())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    accuracy, before, after = map(float, done.stdout.split())
    assert accuracy == 1.0
    return before, after


@pytest.mark.gate
def test_memory_does_not_grow_with_the_bank():
    before, after = peak_megabytes(150_000, 8, 500)  # all cosines at once would be 300 MB
    assert after - before < 150


@pytest.mark.gate
def test_a_bank_of_a_million_stays_under_two_gigabytes():
    _, after = peak_megabytes(1_000_000, 128, 1000)
    assert after < 2000


@pytest.mark.gate
def test_fast_enough(rng):
    bank, queries = (rng.random((n, 256), "float32") for n in (10_000, 2_000))
    labels = np.arange(10_000) % 10
    times = []
    for _ in range(3):
        start = time.perf_counter()
        knn_predict(bank, labels, queries)
        times.append(time.perf_counter() - start)
    assert min(times) < 1.0
