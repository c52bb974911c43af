"""Texts by number, with random access."""

import numpy as np
import tensorflow as tf

from keras_ssl.data.source import Source, Subset


class TextSource(Source):
    """Texts by number, with random access: `x` of a batch is strings of shape `(batch_size,)`, UTF-8.

    Texts in files stay there: only their places are kept in memory; see `MappedTexts`.

    Args:
        texts: list or array of str, or a store of texts: anything with `len(texts)` and
            `texts.__getitems__(list of int)`, which returns a list of bytes.
        labels: whole numbers of shape `(rows,)`, or None.
        name: str, what messages call this source.
        classes: tuple of class names, or None.
        documents: whole numbers of shape `(rows,)`, which never fall: the document that each text belongs to. None
            if that is not known.

    Raises:
        ValueError: If there are no texts or a text is no str, or if there are not as many labels or documents as
            texts.

    Example:

    >>> from keras_ssl.data import TextSource
    >>> source = TextSource(["A dog.", "It barks.", "Stars."], documents=[0, 0, 1])
    >>> source.texts([2, 0])
    ['Stars.', 'A dog.']
    >>> next(iter(source.ordered(2)))["x"].numpy()
    array([b'A dog.', b'It barks.'], dtype=object)
    """

    rows_word = "texts"

    def __init__(self, texts, labels=None, *, name="texts", classes=None, documents=None):
        self._store = texts if hasattr(texts, "__getitems__") else TextList(texts)
        super().__init__(name, len(self._store), labels, classes)
        self._documents = None if documents is None else _checked_documents(documents, len(self))

    @property
    def documents(self):
        """The number of the document that each text belongs to: int64 array `(len(source),)`, or None."""
        return self._documents

    def texts(self, indices):
        """Some texts: list of str.

        Args:
            indices: whole numbers in `[0, len(source))`, in any order, repeated or not.
        """
        return [text.decode() for text in self._encoded(self._rows(indices))]

    def _encoded(self, rows):
        return self._store.__getitems__(rows.tolist())

    def _pick(self, rows):
        return _TextSubset(self, rows)

    def _read(self, indices, batch_size):
        labels = None if self.labels is None else tf.constant(self.labels)

        def fetch(index):
            return np.array(self._encoded(index), "object")

        def read(index):
            rows = {"x": tf.ensure_shape(tf.numpy_function(fetch, [index], tf.string), index.shape)}
            return rows if labels is None else {**rows, "y": tf.gather(labels, index)}

        return indices.map(read)


class _TextSubset(Subset, TextSource):
    @property
    def documents(self):
        documents = self._source.documents
        return None if documents is None else documents[self._chosen]

    def _encoded(self, rows):
        return self._source._encoded(self._chosen[rows])


class TextList:
    """Texts in memory, as a store.

    Args:
        texts: list or array of str.
    """

    def __init__(self, texts):
        if not isinstance(texts, list | tuple | np.ndarray):
            raise ValueError(f"`texts` must be a list of str. Received: {type(texts).__name__}")
        strange = next((row for row, text in enumerate(texts) if not isinstance(text, str)), None)
        if strange is not None:
            raise ValueError(f"`texts` must be a list of str. Received: {texts[strange]!r} as number {strange}")
        self._texts = [text.encode() for text in texts]

    def __len__(self):
        return len(self._texts)

    def __getitems__(self, rows):
        return [self._texts[row] for row in rows]


def _checked_documents(documents, rows):
    documents = np.asarray(documents)
    if documents.shape != (rows,) or not np.issubdtype(documents.dtype, np.integer):
        raise ValueError(
            f"`documents` must be whole numbers of shape ({rows},), one for each text. "
            f"Received: shape {documents.shape}, dtype {documents.dtype}"
        )
    if (np.diff(documents) < 0).any():
        raise ValueError("`documents` must never fall: the texts of a document follow one another")
    return documents.astype("int64")
