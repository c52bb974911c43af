import numpy as np
import pytest

from keras_ssl.runs import neighbours


def test_the_map_keeps_clusters_apart(rng):
    labels = np.repeat(np.arange(3), 10)
    embeddings = 5.0 * np.eye(3, 8)[labels] + 0.1 * rng.normal(size=(30, 8))
    places = neighbours.flat_map(embeddings)
    centres = np.array([places[labels == label].mean(axis=0) for label in range(3)])
    nearest_centre = np.linalg.norm(places[:, None] - centres, axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(nearest_centre, labels)
    np.testing.assert_array_equal(places, neighbours.flat_map(embeddings))


@pytest.mark.parametrize("embeddings", [np.ones((30, 8)), np.zeros((30, 8)), np.eye(4, 8), np.ones((1, 1))])
def test_the_map_of_what_has_no_shape(embeddings):
    places = neighbours.flat_map(embeddings)
    assert places.shape == (len(embeddings), 2)
    assert np.isfinite(places).all()


def test_nearest_by_cosine_without_the_query(rng):
    points = rng.normal(size=(12, 5))
    queries = np.array([0, 7])
    cosine = points @ points.T / np.linalg.norm(points, axis=1)[:, None] / np.linalg.norm(points, axis=1)
    wanted = [[i for i in np.argsort(-cosine[query]) if i != query][:4] for query in queries]
    np.testing.assert_array_equal(neighbours.nearest(10.0 * points, queries, 4), wanted)


def test_fewer_rows_than_neighbours_and_all_on_the_other_side():
    opposite = np.array([[-1.0, 0.2], [1.0, 0.0], [-1.0, 0.1]])
    np.testing.assert_array_equal(neighbours.nearest(opposite, np.array([1]), 6), [[0, 2]])
