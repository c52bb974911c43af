"""Stateless random draws, one for each row of the global batch.

Every draw is a function of (seed, step, name, row) alone. The same rows therefore get the same crops, masks
and noise however many replicas or workers share the batch, whether the draw is made in a `tf.data` pipeline or
inside a train step, and whether XLA compiles it.
"""

import hashlib

import tensorflow as tf


class RowDraws:
    """Draws numbers for this replica's rows of the global batch.

    Bits come from the counter-based Philox generator and are turned into floats here, since TensorFlow's own
    float draws differ under XLA. The first `n` rows of a draw do not depend on how many rows follow.

    Args:
        seed: Python int, the seed of the whole run.
        step: int or scalar integer tensor, the number of the batch.
        rows: int or scalar integer tensor, rows of this replica's part of the batch.
        replica: int or scalar integer tensor, this replica's place in the global batch.
        replicas: Python int, the number of all replicas. XLA needs it, to know all shapes, where `replica` is a tensor;
            it changes no number.

    Raises:
        ValueError: If `seed` is not an int, or if a name is drawn twice (both draws would be equal).

    Example:

    >>> from keras_ssl.random import RowDraws
    >>> both = RowDraws(seed=1, step=7, rows=4).uniform("shift")
    >>> second = RowDraws(seed=1, step=7, rows=2, replica=1).uniform("shift")
    >>> bool((both[2:] == second).numpy().all())
    True
    """

    def __init__(self, seed, step, rows, replica=0, replicas=None):
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError(f"`seed` must be a Python int. Received: seed={seed!r}")
        self.seed = seed
        self.step = tf.cast(step, "int64")
        self.rows = rows if isinstance(rows, int) else tf.cast(rows, "int32")
        self.replica = replica if isinstance(replica, int) else tf.cast(replica, "int32")
        self.replicas = replicas
        self._prefix = ""
        self._names = set()

    def child(self, name):
        """A source of independent draws, for instance one for each view: `rng.child("view_0")`."""
        child = RowDraws(self.seed, self.step, self.rows, self.replica, self.replicas)
        child._prefix = self._claim(name) + "/"
        child._names = self._names
        return child

    def shared(self, name, rows):
        """A source of independent draws that are the same on every replica, for what is drawn once for a batch.

        Args:
            name: str.
            rows: Python int, how many to draw.
        """
        shared = self.child(name)
        shared.rows, shared.replica, shared.replicas = rows, 0, 1
        return shared

    def bits(self, name, shape=()):
        """Uniform `uint32` tensor of shape `(rows, *shape)`."""
        skipped = self.replica * self.rows
        size = tf.stack([skipped + self.rows if self.replicas is None else self.replicas * self.rows, *shape])
        key = tf.stack([tf.constant(_hash(self.seed, self._claim(name)), "int64"), self.step])
        drawn = tf.random.stateless_uniform(size, key, None, None, "uint32", alg="philox")
        mine = tf.slice(drawn, [skipped, *[0] * len(shape)], [self.rows, *shape])
        if isinstance(self.rows, int):
            mine = tf.ensure_shape(mine, (self.rows, *[None] * len(shape)))
        return mine

    def uniform(self, name, low=0.0, high=1.0, shape=()):
        """Uniform `float32` tensor of shape `(rows, *shape)`, in `[low, high)`; rounding to `high` is possible."""
        return low + (high - low) * _to_unit(self.bits(name, shape))

    def normal(self, name, shape=()):
        """Standard normal `float32` tensor of shape `(rows, *shape)` (Box-Muller).

        Its last bit may depend on the number of rows and on XLA: vectorised logarithms and cosines round differently.
        """
        pairs = _to_unit(self.bits(name, (*shape, 2)))
        radius = tf.sqrt(-2.0 * tf.math.log(1.0 - pairs[..., 0]))
        return radius * tf.cos(2.0 * 3.141592653589793 * pairs[..., 1])

    def bernoulli(self, name, probability, shape=()):
        """Boolean tensor of shape `(rows, *shape)`, true with the given probability in `[0, 1]`."""
        return self.uniform(name, shape=shape) < probability

    def integers(self, name, low, high, shape=()):
        """Uniform `int32` tensor of shape `(rows, *shape)`, in `[low, high)`; the span may be up to 2**31."""
        if isinstance(low, int) and isinstance(high, int) and low >= high:
            raise ValueError(f"`high` must be above `low`. Received: low={low}, high={high}")
        # A remainder of 32 bits, biased by at most span / 2**32.
        span = tf.cast(high - low, "uint32")
        return low + tf.cast(tf.math.floormod(self.bits(name, shape), span), "int32")

    def permutation(self, name, size):
        """Random permutations of `range(size)`: `int32` tensor of shape `(rows, size)`."""
        return tf.argsort(self.uniform(name, shape=(size,)), axis=-1, stable=True)

    def _claim(self, name):
        path = self._prefix + name
        if path in self._names:
            raise ValueError(f"Each draw of a step needs a `name` of its own. Received twice: name={path!r}")
        self._names.add(path)
        return path


def step_seeds(seed, name, count, step, replica=0, replicas=None):
    """States for `count` generators of the kind `keras.random.SeedGenerator`, new ones for each step and replica.

    Args:
        seed: Python int.
        name: str, what the seeds are for.
        count: Python int.
        step: int or scalar integer tensor.
        replica: int or scalar integer tensor.
        replicas: Python int, the number of all replicas, as for `RowDraws`.

    Returns:
        `int64` tensor of shape `(count, 2)`, in `[0, 2**31)`.
    """
    bits = RowDraws(seed, step, count, replica, replicas).bits(name, shape=(2,))
    return tf.cast(tf.bitwise.right_shift(bits, 1), "int64")


def _hash(seed, name):
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _to_unit(bits):
    return tf.cast(tf.bitwise.right_shift(bits, 8), "float32") * 2.0**-24
