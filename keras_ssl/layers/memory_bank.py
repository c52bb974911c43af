"""A feature of every example, remembered from epoch to epoch."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import distribution, losses


@keras.saving.register_keras_serializable("keras_ssl")
class MemoryBank(keras.layers.Layer):
    """A unit vector for each example of the data, found by the example's number: negatives without an encoder.

    Each vector is a momentum average of what was seen of its example. It is the same on every replica. Only the rows of
    a batch are read and written, so a step does not grow with the data; a million examples of width 128 take 512 MB.

    Formula:
        `bank[i] = normalize(momentum * bank[i] + (1 - momentum) * normalize(row))`; rows of one example in one batch
        count by their mean.

    Args:
        examples: int, how many examples there are, numbered from 0.
        dim: int, width of a feature.
        momentum: float in [0, 1), the share of the old vector.
        seed: int, of the random directions that the bank holds at first.
        **kwargs: `name` of `keras.layers.Layer`.

    Raises:
        ValueError: If a size is not positive, or the momentum is out of range.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import layers
    >>> bank = layers.MemoryBank(examples=3, dim=2, momentum=0.0)
    >>> bank.update(np.array([2, 0]), np.array([[3.0, 0.0], [0.0, 2.0]]), stepped=True)
    >>> bank.lookup(np.array([0, 2])).numpy().tolist()
    [[0.0, 1.0], [1.0, 0.0]]

    Reference: Instance discrimination, arXiv 1805.01978, section 3.1; the average is that of its code.
    """

    def __init__(self, examples, dim, momentum=0.5, seed=0, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        for name, value in {"examples": examples, "dim": dim}.items():
            if value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
        if not 0 <= momentum < 1:
            raise ValueError(f"`momentum` must be in [0, 1). Received: momentum={momentum}")
        self.examples = int(examples)
        self.dim = int(dim)
        self.momentum = momentum
        self.seed = seed
        self.features = self.add_weight(
            shape=(self.examples, self.dim),
            initializer=self._directions,
            dtype="float32",
            autocast=False,
            trainable=False,
            name="features",
        )
        self.built = True

    def lookup(self, index):
        """What is remembered of some examples.

        Args:
            index: integer Tensor of any shape, numbers in [0, examples).

        Returns:
            float32 Tensor of shape `(*index.shape, dim)`, unit rows, without gradient.

        Raises:
            tensorflow.errors.InvalidArgumentError: If a number is out of range; not under XLA.
        """
        index = tf.cast(index, "int64")
        message = f"`index` must be in [0, {self.examples}), for the bank was made with examples={self.examples}"
        checks = [
            tf.debugging.assert_non_negative(index, message),
            tf.debugging.assert_less(index, tf.cast(self.examples, "int64"), message),
        ]
        # A gather on an accelerator would give zeros for them.
        with tf.control_dependencies([check for check in checks if check is not None]):
            index = tf.identity(index)
        # From the variable, not from its value: TensorFlow would copy the whole bank to read it.
        return ops.stop_gradient(tf.gather(self.features.value, index))

    def update(self, index, rows, stepped):
        """Mixes the rows of all replicas into what is remembered of their examples, where `stepped`.

        Args:
            index: integer Tensor of shape `(batch,)`, the numbers of this replica's examples.
            rows: Tensor of shape `(batch, dim)`, their features; normalised here.
            stepped: bool scalar; the bank stands still where it is false.
        """
        index = distribution.gather(tf.cast(index, "int64"))
        rows = distribution.gather(losses.normalize(ops.stop_gradient(rows)))
        # Rows of one example are summed, so that all of them write the same, in whatever order they do.
        same = ops.cast(ops.equal(index[:, None], index[None, :]), "float32")
        before = self.lookup(index)
        mixed = self.momentum * before + (1.0 - self.momentum) * losses.normalize(ops.matmul(same, rows))
        after = ops.where(stepped, losses.normalize(mixed), before)
        self.features.value.scatter_update(tf.IndexedSlices(after, index))

    def _directions(self, shape, dtype=None):
        return losses.normalize(keras.random.normal(shape, seed=self.seed, dtype="float32"))

    def get_config(self):
        return {
            **super().get_config(),
            "examples": self.examples,
            "dim": self.dim,
            "momentum": self.momentum,
            "seed": self.seed,
        }
