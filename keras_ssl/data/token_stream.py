"""All tokenized texts of a store as one row of ids."""

import numpy as np

_NOTHING = -1


class TokenStream:
    """The texts of a `TokenStore` joined to one row of ids, with random access.

    Args:
        store: `TokenStore`.
        separator: int, an id put after each document, or None for nothing. Where documents are not known, each text is
            one.
        between: int, an id put after each text that another of its document follows, or None for nothing.

    Attributes:
        offsets: int64 array of shape `(texts + 1,)`, the place in the stream where each text begins, and its length.
    """

    def __init__(self, store, separator=None, between=None):
        self._store = store
        self._closing = np.where(ends_document(store), _or_none(separator), _or_none(between)).astype("int32")
        self.offsets = np.concatenate([[0], np.cumsum(store.lengths + (self._closing != _NOTHING))])

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
        beyond = places == self._store.ends[text]
        return np.where(beyond, self._closing[text], self._store.read(np.where(beyond, 0, places)))


def _or_none(number):
    return _NOTHING if number is None else number


def ends_document(store):
    """Whether each text is the last of its document: bool array of shape `(texts,)`."""
    if store.documents is None:
        return np.ones(len(store), bool)
    return np.append(np.diff(store.documents) != 0, True)
