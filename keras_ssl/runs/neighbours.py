"""Which embeddings lie near one another: as a list, and as a map."""

import numpy as np


def nearest(embeddings, queries, count):
    """Rows of the nearest neighbours by cosine, the query itself left out.

    Args:
        embeddings: float array of shape (rows, features).
        queries: int array of shape (queries,), rows to look around.
        count: int, neighbours of each.

    Returns:
        int array of shape (queries, count), nearest first.
    """
    points = _normalised(embeddings)
    similar = points[queries] @ points.T
    similar[np.arange(len(queries)), queries] = -np.inf
    return np.argsort(-similar, axis=1, kind="stable")[:, : min(count, len(points) - 1)]


def flat_map(embeddings, seed=0):
    """Places embeddings on a plane, those near one another together: PCA, then t-SNE.

    Args:
        embeddings: float array of shape (rows, features).
        seed: int; the same seed gives the same map.

    Returns:
        float array of shape (rows, 2).

    Reference: t-SNE, van der Maaten and Hinton, 2008.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows, features = embeddings.shape
    points = _normalised(embeddings)
    # Without spread there is nothing to scale by, and with few points there are no neighbourhoods.
    if rows < 2 or not np.ptp(points, axis=0).max() > 1e-6:
        return np.zeros((rows, 2))
    points = PCA(min(50, rows, features), random_state=seed).fit_transform(points)
    if rows < 20:
        return np.pad(points, ((0, 0), (0, 1)))[:, :2]
    # OpenMP's threads wait for one another by spinning: next to TensorFlow's, many are slower than one.
    with threadpool_limits(1):
        return TSNE(perplexity=min(30, rows / 4), init="pca", random_state=seed).fit_transform(points)


def _normalised(embeddings):
    embeddings = np.asarray(embeddings, "float32")
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
