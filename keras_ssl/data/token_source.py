"""Tokenized texts in batches of much the same length."""

import numpy as np
import tensorflow as tf

from keras_ssl.data.source import Source, whole
from keras_ssl.data.token_store import TokenStore
from keras_ssl.random import RowDraws


class TokenSource(Source):
    """Tokenized texts by number, with random access, padded to the longest of a batch.

    `x` of a batch is a dict: `token_ids`, int32 of shape `(batch_size, length)`, start and end tokens included; and
    `word_ids`, int32 of that shape, the number of each piece's word and -1 where there is none, if words were marked.

    So that little is padded, rows of a window of batches, in the order of the epoch, are sorted by length and cut into
    batches, which then come in a random order. Batch `t` is still a function of the seed and `t` alone, and replicas
    get parts of one batch, all of one length.

    Args:
        folder: path of a folder that `data.tokenize` wrote, or a `TokenStore`.
        max_length: int, ids of the longest row, start and end included; longer texts are cut at the end.
        buckets: int, rows are padded to a multiple of it, at most to `max_length`; or the lengths that they are padded
            to, in rising order; or None: all are padded to `max_length`, and nothing is sorted.
        window: int, number of batches that are sorted together.

    Attributes:
        table: `TokenTable` of the vocabulary.
        store: `TokenStore`, the ids.

    Raises:
        ValueError: If the folder is not whole, or an argument is no whole number in its range.
    """

    rows_word = "texts"
    _length_shape = ()  # of what a batch is padded to

    def __init__(self, folder, *, max_length=128, buckets=8, window=50):
        self.store = folder if isinstance(folder, TokenStore) else TokenStore(folder)
        super().__init__(self.store.name, len(self.store), self.store.labels, self.store.classes)
        self.table = self.store.table
        self._has_start, self._has_end = self.table.start_id is not None, self.table.end_id is not None
        self._around = self._has_start + self._has_end
        self.max_length = whole("max_length", max_length, least=self._around + 1)
        self.buckets, self.window = buckets, whole("window", window)
        self._boundaries = _boundaries(buckets, self.max_length)

    @property
    def documents(self):
        """The number of the document that each text belongs to: int64 array `(len(source),)`, or None."""
        return self.store.documents

    def _pick(self, rows):
        return TokenSource(self.store.pick(rows), max_length=self.max_length, buckets=self.buckets, window=self.window)

    def _row_size(self):
        return f" of at most {self.max_length} tokens"

    def _shuffled(self, batch_size, seed, start, slices):
        if self.buckets is None:
            return super()._shuffled(batch_size, seed, start, slices)
        epoch_batches, last = len(self) // batch_size, len(self) - 1
        epoch_windows = -(-epoch_batches // self.window)
        mine, rows = tf.constant(slices.mine), batch_size // slices.total

        def window_of(number):
            epoch, place = number // epoch_windows, number % epoch_windows
            count = tf.minimum(epoch_batches - place * self.window, self.window)
            positions = place * self.window * batch_size + tf.range(count * batch_size)
            drawn = tf.random.experimental.index_shuffle(positions, [seed, epoch], last)
            order = RowDraws(seed, number, 1).permutation("batches", tf.cast(count, "int32"))[0]
            index, lengths = tf.numpy_function(self._by_length, [drawn, order], (tf.int64, tf.int64))
            parts = tf.gather(tf.reshape(index, (-1, slices.total, rows)), mine, axis=1)
            lengths = tf.repeat(tf.ensure_shape(lengths, [None, *self._length_shape]), len(slices.mine), axis=0)
            return tf.data.Dataset.from_tensor_slices((tf.reshape(parts, (-1, rows)), lengths))

        first = start // epoch_batches * epoch_windows + start % epoch_batches // self.window
        windows = tf.data.Dataset.counter(first).flat_map(window_of)
        return windows.skip(start % epoch_batches % self.window * len(slices.mine)).map(self._rows_at)

    def _in_order(self, batch_size):
        return tf.data.Dataset.range(len(self)).batch(batch_size).map(self._rows_at)

    def _read(self, indices, batch_size):
        def without_index(index):
            rows = self._rows_at(index)
            return {name: part for name, part in rows.items() if name != "index"}

        return indices.map(without_index)

    def _by_length(self, drawn, order):
        """Rows of a window to batches: their rows, and the length that each is padded to."""
        lengths = self._lengths(drawn)
        batches = np.argsort(lengths, kind="stable").reshape(len(order), -1)[order]
        batches.sort(axis=1)  # in a batch rows are not sorted by length: replicas get their equal share
        return drawn[batches], self._padded(lengths[batches].max(axis=1))

    def _lengths(self, index):
        """Ids of some rows, start and end included."""
        return np.minimum(self.store.ends[index] - self.store.starts[index] + self._around, self.max_length)

    def _padded(self, lengths):
        return self._boundaries[np.searchsorted(self._boundaries, lengths)]

    def _rows_at(self, index, length=0):
        types = (tf.int32, tf.int32) if self.store.has_words else (tf.int32,)
        parts = tf.numpy_function(self._fetch, [index, length], types)
        shape = (index.shape[0], self._boundaries[0] if len(self._boundaries) == 1 else None)
        names = ("token_ids", "word_ids")[: len(types)]
        x = {name: tf.ensure_shape(part, shape) for name, part in zip(names, parts, strict=True)}
        rows = {"x": x, "index": index}
        return rows if self.labels is None else {**rows, "y": tf.gather(tf.constant(self.labels), index)}

    def _fetch(self, index, length):
        """Ids of some rows, and the words if there are, padded to `length`, or to their own longest if it is 0."""
        lengths = self._lengths(index)
        length = length or self._padded(lengths.max())
        columns, first = np.arange(length), int(self._has_start)
        inside = (columns >= first) & (columns < (lengths - self._has_end)[:, None])
        places = np.where(inside, self.store.starts[index][:, None] + columns - first, 0)
        ids = np.where(inside, self.store.read(places), np.int32(self.table.pad_id))
        if self._has_start:
            ids[:, 0] = self.table.start_id
        if self._has_end:
            ids[np.arange(len(index)), lengths - 1] = self.table.end_id
        if not self.store.has_words:
            return (ids,)
        words = np.cumsum(inside & ~self.store.read_continues(places), axis=1, dtype="int32") - 1
        return ids, np.where(inside, words, np.int32(-1))


def _boundaries(buckets, max_length):
    """The lengths that rows are padded to, in rising order; the last is `max_length`."""
    if buckets is None:
        return np.array([max_length])
    if isinstance(buckets, tuple | list):
        if not buckets or list(buckets) != sorted({whole("buckets", one) for one in buckets}):
            raise ValueError(f"`buckets` must be whole numbers in rising order. Received: buckets={buckets}")
        return np.array([one for one in buckets if one < max_length] + [max_length])
    step = whole("buckets", buckets)
    return np.array([*range(step, max_length, step), max_length])
