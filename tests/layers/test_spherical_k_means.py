import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.layers import spherical_k_means


def oracle(rows, centroids, iterations):
    """Row by row in float64, from given centroids."""
    rows = np.array([row / np.linalg.norm(row) for row in rows.astype("float64")])
    centroids = centroids.astype("float64")
    for _ in range(iterations):
        nearest = [int(np.argmax([row @ centroid for centroid in centroids])) for row in rows]
        for k in range(len(centroids)):
            members = [row for row, mine in zip(rows, nearest, strict=True) if mine == k]
            if members:
                total = np.sum(members, axis=0)
                centroids[k] = total / np.linalg.norm(total)
    return centroids, [int(np.argmax([row @ centroid for centroid in centroids])) for row in rows]


@pytest.fixture
def rows(rng):
    """Twenty rows about each of five directions, of any length."""
    directions = np.linalg.qr(rng.normal(size=(8, 5)))[0].T
    noisy = np.repeat(directions, 20, axis=0) + 0.1 * rng.normal(size=(100, 8))
    return (noisy * rng.uniform(0.5, 3.0, (100, 1))).astype("float32")[rng.permutation(100)]


def test_begins_with_distinct_rows_and_moves_as_the_oracle(rows):
    start, _ = spherical_k_means(rows, 5, iterations=0, seed=3)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = [int(np.argmin(np.abs(unit - centroid).sum(axis=1))) for centroid in start.numpy()]
    np.testing.assert_allclose(start, unit[found], atol=1e-6)
    assert len(set(found)) == 5
    for iterations in (1, 4):
        centroids, assignments = spherical_k_means(rows, 5, iterations, seed=3)
        expected, nearest = oracle(rows, start.numpy(), iterations)
        np.testing.assert_allclose(centroids, expected, atol=1e-6)
        assert assignments.numpy().tolist() == nearest


def test_chunks_change_nothing(rows):
    whole = spherical_k_means(rows, 5, seed=1)
    parts = spherical_k_means(tf.constant(rows), 5, seed=1, chunk=7)
    np.testing.assert_allclose(parts[0], whole[0], atol=1e-6)
    np.testing.assert_array_equal(parts[1], whole[1])


def test_a_centroid_without_rows_stays():
    """Four equal rows: all go to the first of the equal centroids, the other two have none."""
    rows = np.tile(np.array([[0.6, 0.8]], "float32"), (4, 1))
    centroids, assignments = spherical_k_means(rows, 3, iterations=5)
    np.testing.assert_allclose(centroids, np.tile([[0.6, 0.8]], (3, 1)), atol=1e-6)
    assert assignments.numpy().tolist() == [0] * 4


def test_repeats_to_the_bit_and_depends_on_the_seed(rows):
    first, again, other = (spherical_k_means(rows, 5, 2, seed=seed)[0].numpy() for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    as_tensor = spherical_k_means(rows, 5, 2, seed=tf.constant([0, 4], "int64"))[0]
    np.testing.assert_array_equal(as_tensor, first)


def test_finds_the_clusters_that_there_are(rows):
    objective = []
    for iterations in (0, 10):
        centroids, assignments = spherical_k_means(rows, 5, iterations, seed=0)
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        objective.append(np.mean(np.sum(unit * centroids.numpy()[assignments.numpy()], axis=1)))
    assert objective[1] > objective[0] + 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": np.ones(3)}, r"`rows` must have the shape \(rows, dim\). Received: shape \(3,\)"),
        ({"clusters": 5}, "`clusters` must be 1 to 4, the rows there are. Received: clusters=5"),
        ({"clusters": 0}, "`clusters` must be 1 to 4.*clusters=0"),
        ({"iterations": -1}, "`iterations` must not be negative. Received: iterations=-1"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        spherical_k_means(**{"rows": np.ones((4, 2)), "clusters": 2, **arguments})
