"""Pictures that are in memory."""

import warnings

import numpy as np
import tensorflow as tf

from keras_ssl.data.picture_source import PictureSource


class ArraySource(PictureSource):
    """Pictures in an array: whole batches are gathered in one operation.

    Args:
        x: array of shape `(rows, height, width, channels)`, or `(rows, height, width)` for one channel. Whole
            numbers are 0..255 and become uint8; floats become float32 and should be in 0..255 too.
        y: whole numbers of shape `(rows,)` or `(rows, 1)`, the labels, or None.
        name: str, what messages call this source.
        classes: sequence of class names, or None.

    Raises:
        ValueError: If a shape or dtype is another, if there are no pictures, if pixels are NaN or infinite, or if
            there are not as many labels as pictures.

    Example:

    >>> import numpy as np
    >>> from keras_ssl.data import ArraySource
    >>> ArraySource(np.zeros((5, 8, 8), "uint8"), name="black")
    <ArraySource 'black': 5 pictures of 8 x 8 x 1>
    """

    def __init__(self, x, y=None, *, name="arrays", classes=None):
        x = _checked_pixels(x)
        y = None if y is None else _checked_labels(y, len(x))
        super().__init__(name, len(x), x.shape[1:], y, classes)
        self.dtype = x.dtype.name
        # Pictures stay in main memory, and in one copy: the tensor is the data, the array a view of it.
        with tf.device("CPU:0"):
            self._tensor = tf.constant(x)
        self._array = np.asarray(self._tensor)

    def images(self, indices):
        """The pixels of some rows, as in `PictureSource.images`."""
        return self._array[self._rows(indices)]

    def _read(self, indices, batch_size):
        columns = {"x": self._tensor}
        if self.labels is not None:
            columns["y"] = tf.constant(self.labels)
        return indices.map(lambda index: {name: tf.gather(column, index) for name, column in columns.items()})


def _checked_pixels(x):
    x = np.asarray(x)
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4:
        raise ValueError(
            "`x` must have shape (rows, height, width, channels), or (rows, height, width) for one channel. "
            f"Received: shape {x.shape}"
        )
    if 0 in x.shape:
        raise ValueError(f"`x` must not be empty. Received: shape {x.shape}")
    if np.issubdtype(x.dtype, np.floating):
        return _checked_floats(x)
    if not np.issubdtype(x.dtype, np.integer):
        raise ValueError(f"`x` must hold whole numbers of 0..255 or floats. Received: dtype {x.dtype}")
    if x.dtype != np.uint8 and (x.min() < 0 or x.max() > 255):
        raise ValueError(f"`x` of whole numbers must be in 0..255. Received: {x.min()} to {x.max()}")
    return x.astype("uint8", copy=False)


def _checked_floats(x):
    finite = np.isfinite(x)
    if not finite.all():
        first = tuple(int(place) for place in np.unravel_index(np.argmin(finite), x.shape))
        raise ValueError(
            f"`x` must be finite. Received: {(~finite).sum()} NaN or infinite pixels, the first at {first}"
        )
    if x.min() >= 0 and x.max() <= 1:
        warnings.warn(
            "`x` looks scaled to 0..1; the encoders of keras_ssl take raw pixels of 0..255 and scale them themselves",
            stacklevel=3,
        )
    return x.astype("float32", copy=False)


def _checked_labels(y, rows):
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer):
        raise ValueError(f"`y` must be whole numbers of shape (rows,). Received: shape {y.shape}, dtype {y.dtype}")
    if len(y) != rows:
        raise ValueError(f"`x` and `y` must have as many rows. Received: {rows} and {len(y)}")
    return y
