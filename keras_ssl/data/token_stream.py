"""All tokenized texts of a store as one row of ids."""

import numpy as np


class TokenStream:
    """The texts of a `TokenStore` joined to one row of ids, with random access.

    Args:
        store: `TokenStore`.
        separator: int, an id put after each document, or None for nothing. Where documents are not known, each text is
            one.

    Attributes:
        offsets: int64 array of shape `(texts + 1,)`, the place in the stream where each text begins, and its length.
    """

    def __init__(self, store, separator=None):
        self._store, self._separator = store, separator
        closed = 0 if separator is None else ends_document(store)
        self.offsets = np.concatenate([[0], np.cumsum(store.lengths + closed)])

    def __len__(self):
        return int(self.offsets[-1])

    def read(self, places):
        """The ids at some places of the stream.

        Args:
            places: int64 array of any shape, in `[0, len(stream))`.

        Returns:
            int32 array of the same shape.
        """
        text = np.searchsorted(self.offsets, places, side="right") - 1
        places = self._store.starts[text] + places - self.offsets[text]
        if self._separator is None:
            return self._store.read(places)
        beyond = places == self._store.ends[text]
        return np.where(beyond, np.int32(self._separator), self._store.read(np.where(beyond, 0, places)))


def ends_document(store):
    """Whether each text is the last of its document: bool array of shape `(texts,)`."""
    if store.documents is None:
        return np.ones(len(store), bool)
    return np.append(np.diff(store.documents) != 0, True)
