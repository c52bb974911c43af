"""Standard deviation of normalised embeddings: the quickest sign of collapse."""

import keras
from keras import ops

from keras_ssl.distribution import global_mean


def embedding_std(z):
    """Mean over the dimensions of the standard deviation of the L2-normalised rows, those of all replicas together.

    Formula:
        `u_i = z_i / |z_i|`; `mean_k(std_i(u_ik))`, with the population standard deviation.

    0 means that all rows point the same way (collapse); rows spread evenly over the sphere give about
    `1 / sqrt(dim)`, which is also the largest value there is.

    Args:
        z: Tensor of shape `(batch, dim)`, any float dtype; computed in float32.

    Returns:
        float32 scalar in [0, 1 / sqrt(dim)].

    Raises:
        ValueError: If `z` is not of rank 2.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> float(metrics.embedding_std(np.array([[1.0, 1.0], [2.0, 2.0]])))
    0.0

    Reference: SimSiam, arXiv 2011.10566, section 4.1.
    """
    rows = _unit_rows(z)
    mean = global_mean(ops.mean(rows, axis=0))
    variance = global_mean(ops.mean(ops.square(rows - mean), axis=0))
    return ops.mean(ops.sqrt(variance))


@keras.saving.register_keras_serializable("keras_ssl")
class EmbeddingStd(keras.metrics.Metric):
    """`embedding_std` of all rows seen since the last reset, over batches and replicas, from global moments.

    It is not the mean of the batches' values: a model that maps each batch to a point of its own is found out too.

    Args:
        dimension: int, width of the embeddings.
        name: str, name of the metric.
        dtype: accepted for Keras; the moments are always float32.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import metrics
    >>> spread = metrics.EmbeddingStd(dimension=2)
    >>> spread.update_state(np.array([[1.0, 0.0]]))
    >>> spread.update_state(np.array([[-1.0, 0.0]]))
    >>> float(spread.result())
    0.5
    """

    def __init__(self, dimension, name="embedding_std", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.dimension = dimension
        self.rows = self.add_variable((), "zeros", "float32", name="rows")
        self.total = self.add_variable((dimension,), "zeros", "float32", name="total")
        self.total_squares = self.add_variable((dimension,), "zeros", "float32", name="total_squares")

    def update_state(self, z):
        """Adds the rows of `z`, of shape `(batch, dimension)`."""
        rows = _unit_rows(z)
        self.rows.assign_add(ops.cast(ops.shape(rows)[0], "float32"))
        self.total.assign_add(ops.sum(rows, axis=0))
        self.total_squares.assign_add(ops.sum(ops.square(rows), axis=0))

    def result(self):
        """float32 scalar in [0, 1 / sqrt(dimension)]; 0 before the first row."""
        rows = ops.maximum(self.rows, 1.0)
        variance = self.total_squares / rows - ops.square(self.total / rows)
        return ops.mean(ops.sqrt(ops.maximum(variance, 0.0)))

    def get_config(self):
        """Config for `from_config`."""
        return {"dimension": self.dimension, **super().get_config()}


def _unit_rows(z):
    if len(z.shape) != 2:
        raise ValueError(f"`z` must have the shape (batch, dim). Received: z.shape={tuple(z.shape)}")
    return ops.normalize(ops.cast(z, "float32"), axis=-1)
