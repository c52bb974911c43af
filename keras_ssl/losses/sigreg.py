"""The regulariser of LeJEPA."""

import numpy as np
from keras import ops

from keras_ssl.losses.cosine import normalize
from keras_ssl.losses.pairs import check_rows


def sigreg(z, directions, *, points=17, limit=5.0):
    """Tests how far rows are from standard normal ones, along random directions (sketched isotropic Gaussian).

    Formula:
        `mean_a(n * integral(|f_a(t) - exp(-t^2 / 2)|^2 * exp(-t^2 / 2) dt))`, the statistic of Epps and Pulley, with
        the empirical characteristic function `f_a(t) = mean_i(exp(i t <a, z_i>))`; the integral is by the trapezoidal
        rule on `points` places in [-limit, limit].

    The scale is that of the paper's algorithm 1, whose 17 places in [-5, 5] are the defaults. The authors' package and
    lightly take 17 places in [0, 3] and double them: `points=33, limit=3.0`. solo-learn has no such loss. Of rows that
    are normal the value is about 1.06 whatever their number; of collapsed rows it grows with their number, `0.409 * n`.

    Args:
        z: Tensor of shape `(batch, dim)`, projections, of all replicas (`distribution.gather`); not normalised. Any
            float dtype; computed in float32.
        directions: Tensor of shape `(k, dim)`, drawn anew for each step, for instance standard normal; scaled to
            length 1 here. The paper takes 1,024.
        points: odd int of at least 3.
        limit: float above 0.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If the shapes do not fit, or `points` or `limit` is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> collapsed, directions = np.zeros((100, 2)), np.eye(2)
    >>> round(float(losses.sigreg(collapsed, directions)), 2)
    40.89

    Reference: LeJEPA, arXiv 2511.08544, section 4 and algorithm 1.
    """
    check_rows("z", z, least=1)
    if len(directions.shape) != 2 or directions.shape[1] != z.shape[1]:
        raise ValueError(
            f"`directions` must have the shape (k, dim) with dim={z.shape[1]}. "
            f"Received: directions.shape={tuple(directions.shape)}"
        )
    if points < 3 or points % 2 == 0:
        raise ValueError(f"`points` must be an odd number of at least 3. Received: points={points}")
    if not limit > 0:
        raise ValueError(f"`limit` must be positive. Received: limit={limit}")
    # Both sides of zero are alike: the positive one is enough, its weights doubled but at zero and, by the rule, at
    # the end.
    places = np.linspace(0.0, limit, points // 2 + 1, dtype="float32")
    weights = np.full(len(places), 2.0 * places[1], "float32")
    weights[[0, -1]] = places[1]
    normal = np.exp(-np.square(places) / 2)

    z = ops.cast(z, "float32")
    along = ops.matmul(z, ops.transpose(normalize(directions)))
    angles = along[:, :, None] * places
    real, imaginary = ops.mean(ops.cos(angles), axis=0), ops.mean(ops.sin(angles), axis=0)
    error = ops.square(real - normal) + ops.square(imaginary)
    statistic = ops.sum(error * (weights * normal), axis=-1) * ops.cast(ops.shape(z)[0], "float32")
    return ops.mean(statistic)
