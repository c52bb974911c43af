"""Unit vectors that projections are compared with."""

import keras
from keras import ops

from keras_ssl.losses import normalize


@keras.saving.register_keras_serializable("keras_ssl")
class Prototypes(keras.layers.Layer):
    """Cosine similarities of projections to learned directions.

    The directions are kept at length 1 in one of two ways, as the papers do it:

    - `weight_normalization=False` (SwAV): the weights are unit vectors themselves. An update of the optimizer takes
      them off the sphere; `renormalize`, called after it, brings them back. It moves nothing but on real updates, so
      that micro-batches and held weights stay the same to the bit, and it is the same on every replica.
    - `weight_normalization=True` (DINO): scores are those of the weights divided by their lengths, which may be
      anything (weight normalisation with a fixed length of 1). Nothing needs to be called.

    It computes in float32 under every policy, for its scores are divided by small temperatures.

    Formula:
        `scores = z / |z| @ prototypes`, `|prototypes[:, k]| = 1`

    Args:
        dim: int, width of a projection.
        count: int, number of prototypes.
        weight_normalization: bool, see above.
        **kwargs: `name` of `keras.layers.Layer`.

    Call arguments:
        z: Tensor of shape `(batch, dim)`, projections; normalised here.

    Returns:
        float32 Tensor of shape `(batch, count)`, in [-1, 1].

    Raises:
        ValueError: If `dim` or `count` is below 1.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import layers
    >>> prototypes = layers.Prototypes(dim=2, count=2)
    >>> _ = prototypes.kernel.assign(np.eye(2))
    >>> print(prototypes(np.array([[3.0, 4.0]])).numpy())
    [[0.6 0.8]]

    Reference: SwAV, arXiv 2006.09882, section 3.1; weight normalisation, arXiv 1602.07868, eq. 2.
    """

    def __init__(self, dim, count, weight_normalization=False, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        for name, value in {"dim": dim, "count": count}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        self.dim = int(dim)
        self.count = int(count)
        self.weight_normalization = weight_normalization
        self.kernel = self.add_weight(
            shape=(self.dim, self.count), initializer=_random_directions, autocast=False, name="kernel"
        )
        self.built = True

    def call(self, z):
        kernel = ops.convert_to_tensor(self.kernel)
        return ops.matmul(normalize(z), _unit_columns(kernel) if self.weight_normalization else kernel)

    def renormalize(self, where=True):
        """Scales the weights back to length 1.

        Args:
            where: bool scalar; they stay as they are where it is false.
        """
        kernel = ops.convert_to_tensor(self.kernel)
        self.kernel.assign(ops.where(where, _unit_columns(kernel), kernel))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.count)

    def get_config(self):
        own = {"dim": self.dim, "count": self.count, "weight_normalization": self.weight_normalization}
        return {**super().get_config(), **own}


def _unit_columns(kernel):
    return ops.transpose(normalize(ops.transpose(kernel)))


def _random_directions(shape, dtype):
    return ops.cast(_unit_columns(keras.random.normal(shape)), dtype)
