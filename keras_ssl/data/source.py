"""What every source of data can do, given only how to read some rows."""

import numpy as np
import tensorflow as tf

from keras_ssl.data.prefetched import prefetched
from keras_ssl.distribution import Slices

READ_AT_A_TIME = 256
_WHOLE = Slices((0,), 1)


class Source:
    """Rows by number, with random access: batch `t` is a function of the seed and `t` alone.

    There is no shuffle buffer and nothing to save: each epoch's order is a permutation that is computed where it
    is needed, so training resumes at any batch at once. A subclass says in `_read` how rows are read. Two kinds
    come with the package: `PictureSource`, and `TextSource`.

    Args:
        name: str, what messages call this source.
        length: int, number of rows.
        labels: whole numbers of shape `(length,)`, or None. All -1, which is how tensorflow-datasets marks splits whose
            labels are kept secret, is None too.
        classes: tuple of class names, or None.

    Raises:
        ValueError: If there are no rows, if there are not as many labels as rows, or if labels are no whole numbers.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import data
    >>> source = data.load((np.zeros((10, 8, 8, 3), "uint8"), np.arange(10)))
    >>> source.image_shape, len(source)
    ((8, 8, 3), 10)
    >>> batch = next(iter(source.batches(4, seed=1)))
    >>> {name: tuple(tensor.shape) for name, tensor in batch.items()}
    {'x': (4, 8, 8, 3), 'y': (4,), 'index': (4,)}
    """

    rows_word = "rows"  # what messages call them

    def __init__(self, name, length, labels=None, classes=None):
        row = self.rows_word.removesuffix("s")
        if length < 1:
            raise ValueError(f"A source needs at least one {row}. Received: {name!r} with none")
        if labels is not None and len(labels) != length:
            raise ValueError(
                f"There must be one label for each {row}. Received: {len(labels)} for {length} {self.rows_word}"
            )
        self.name = name
        self._labels = _checked_labels(labels)
        self.classes = None if classes is None else tuple(str(name) for name in classes)
        self._length = int(length)

    @property
    def labels(self):
        """The labels: int64 array of shape `(len(source),)`, or None."""
        return self._labels

    def __len__(self):
        return self._length

    def __repr__(self):
        classes = f", {len(self.classes)} classes" if self.classes else ""
        kind = type(self).__name__.removeprefix("_")
        return f"<{kind} {self.name!r}: {len(self):,} {self.rows_word}{self._row_size()}{classes}>"

    def batches(self, batch_size, seed=0, start=0, slices=None):
        """Endless shuffled batches, all of them full; one epoch is `len(source) // batch_size` batches.

        Within an epoch no row comes twice; each epoch has an order of its own.

        Args:
            batch_size: int, rows of a batch, at most `len(source)`.
            seed: int, seed of the order.
            start: int, number of the first batch: from here on the batches are those of `start=0`.
            slices: `keras_ssl.distribution.Slices`, the parts of each batch that this process needs, or None for
                whole batches. Each part is an element of its own, of `batch_size // slices.total` rows, and no other
                rows are read.

        Returns:
            `tf.data.Dataset` of dicts: `x`, what the rows hold, for pictures their pixels; `index`, int64
            `(batch_size,)`; and `y`, int64 `(batch_size,)`, where there are labels.

        Raises:
            ValueError: If a batch is larger than the source, or an argument is no whole number in its range.
        """
        batch_size = whole("batch_size", batch_size)
        seed, start = whole("seed", seed, least=None), whole("start", start, least=0)
        if batch_size > len(self):
            raise ValueError(
                f"`batch_size` must be at most the {len(self)} {self.rows_word} of {self.name!r}. "
                f"Received: batch_size={batch_size}"
            )
        slices = slices or _WHOLE
        if batch_size % slices.total:
            raise ValueError(
                f"`batch_size` must be a multiple of the {slices.total} replicas. Received: batch_size={batch_size}"
            )
        return prefetched(self._shuffled(batch_size, seed, start, slices))

    def ordered(self, batch_size):
        """All rows once, in order: a finite `tf.data.Dataset` of the dicts of `batches`; the last may be smaller.

        Args:
            batch_size: int, rows of a batch.
        """
        return prefetched(self._in_order(whole("batch_size", batch_size)))

    def subset(self, indices):
        """A source of these rows only, numbered anew from zero.

        Args:
            indices: whole numbers in `[0, len(source))`, at least one.
        """
        return self._pick(self._rows(indices))

    def take(self, count):
        """A source of the first `count` rows, or of all if there are fewer."""
        return self.subset(np.arange(min(whole("count", count), len(self))))

    def _read(self, indices, batch_size):
        """Turns a dataset of index vectors of at most `batch_size` rows into one of dicts of `x`, and `y` if any."""
        raise NotImplementedError

    def _pick(self, rows):
        """A source of these rows: a kind of source that can do more than this one gives a subset that can, too."""
        return Subset(self, rows)

    def _row_size(self):
        """What `repr` says of a row's size."""
        return ""

    def _shuffled(self, batch_size, seed, start, slices):
        epoch_batches, last = len(self) // batch_size, len(self) - 1
        mine, rows = tf.constant(slices.mine, "int64"), batch_size // slices.total

        def indices_of(element):
            step, part = element // len(slices.mine), mine[element % len(slices.mine)]
            positions = step % epoch_batches * batch_size + part * rows + tf.range(rows, dtype="int64")
            return tf.random.experimental.index_shuffle(positions, [seed, step // epoch_batches], last)

        return self._numbered(tf.data.Dataset.counter(start * len(slices.mine)).map(indices_of), rows)

    def _in_order(self, batch_size):
        return self._numbered(tf.data.Dataset.range(len(self)).batch(batch_size), batch_size)

    def _numbered(self, indices, batch_size):
        numbered = tf.data.Dataset.zip(indices, self._read(indices, batch_size))
        return numbered.map(lambda index, rows: {**rows, "index": index})

    def _rows(self, indices):
        rows = np.asarray(indices)
        if rows.ndim != 1 or (len(rows) and not np.issubdtype(rows.dtype, np.integer)):
            raise ValueError(f"`indices` must be a list of whole numbers. Received: shape {rows.shape}, {rows.dtype}")
        outside = rows[(rows < 0) | (rows >= len(self))]
        if len(outside):
            raise ValueError(f"`indices` must be in [0, {len(self)}). Received: {outside[0]}")
        return rows.astype("int64")


def _checked_labels(labels):
    if labels is None:
        return None
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iub":
        raise ValueError(f"`labels` must be whole numbers. Received: {labels[:1].tolist()} of {labels.dtype}")
    return None if (labels == -1).all() else labels.astype("int64")


class Subset(Source):
    """Some rows of another source, read through it.

    Args:
        source: `Source`.
        rows: int64 array, its rows.
    """

    def __init__(self, source, rows):
        self.rows_word = source.rows_word
        # Not super(): in a kind's own subset the next class is that kind, whose arguments are others.
        Source.__init__(self, source.name, len(rows), classes=source.classes)
        self._source, self._chosen = source, rows

    @property
    def labels(self):
        labels = self._source.labels
        return None if labels is None else labels[self._chosen]

    def _read(self, indices, batch_size):
        chosen = tf.constant(self._chosen)
        return self._source._read(indices.map(lambda index: tf.gather(chosen, index)), batch_size)


def whole(argument, value, least=1):
    """The value of an argument as an int; ValueError if it is no whole number, or less than `least`."""
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or (least is not None and value < least):
        wanted = "a whole number" if least is None else f"a whole number of at least {least}"
        raise ValueError(f"`{argument}` must be {wanted}. Received: {argument}={value!r}")
    return int(value)
