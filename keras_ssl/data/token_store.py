"""Token ids of texts, on disk."""

import copy
from pathlib import Path

import numpy as np

from keras_ssl.augment.text import TokenTable
from keras_ssl.data.cached_folder import described

IDS, CONTINUES = "ids.bin", "continues.bin"  # one number a piece, memory-mapped
COLUMNS = ("offsets", "labels", "documents")  # one number a text


class TokenStore:
    """Token ids of texts in a folder that `data.tokenize` wrote; they are memory-mapped, never all in memory.

    Args:
        folder: path of the folder.
        description: what `cached_folder` returned for it just now; None: its files are checked here.

    Attributes:
        name: str, of the corpus.
        table: `TokenTable` of the vocabulary.
        starts: int64 array `(texts,)`, the place of the first id of each text among all ids.
        ends: int64 array `(texts,)`, the place after the last one.
        labels: int64 array `(texts,)`, or None.
        documents: int64 array `(texts,)`, which never fall, or None.
        classes: tuple of class names, or None.
        has_words: bool, whether words were marked.

    Raises:
        ValueError: If there is no such folder, or if a file in it is torn or has changed.
    """

    def __init__(self, folder, description=None):
        folder = Path(folder).expanduser()
        description = description or described(folder)
        if description is None:
            raise ValueError(
                "`folder` must be one that `data.tokenize` wrote, whole and unchanged. "
                f"Received: folder={str(folder)!r}"
            )
        self.name, self.classes = description["name"], description["classes"]
        self.table = TokenTable.from_config(description["table"])
        self._ids = _mapped(folder / IDS, description["dtype"])
        self.has_words = (folder / CONTINUES).exists()
        self._continues = _mapped(folder / CONTINUES, "bool") if self.has_words else None
        offsets, self.labels, self.documents = (_column(folder, name) for name in COLUMNS)
        self.starts, self.ends = offsets[:-1], offsets[1:]

    def __len__(self):
        return len(self.starts)

    @property
    def lengths(self):
        """How many ids each text has: int64 array `(texts,)`."""
        return self.ends - self.starts

    def pick(self, rows):
        """A store of some of the texts.

        Args:
            rows: int64 array of their numbers.
        """
        picked = copy.copy(self)
        for name in ("starts", "ends", "labels", "documents"):
            column = getattr(self, name)
            setattr(picked, name, None if column is None else column[rows])
        return picked

    def read(self, places):
        """The ids at some places among all ids: int32 array of the same shape."""
        return self._ids[places].astype("int32")

    def read_continues(self, places):
        """Whether the pieces at some places continue a word: bool array of the same shape."""
        return self._continues[places]


def write_columns(folder, offsets, labels, documents):
    """Writes what has one number a text.

    Args:
        folder: `pathlib.Path`.
        offsets: int64 array `(texts + 1,)`.
        labels: int64 array `(texts,)`, or None.
        documents: int64 array `(texts,)`, or None.
    """
    for name, column in zip(COLUMNS, (offsets, labels, documents), strict=True):
        if column is not None:
            np.save(_column_file(folder, name), np.asarray(column, "int64"))


def _column(folder, name):
    path = _column_file(folder, name)
    return np.asarray(np.load(path, mmap_mode="r")) if path.exists() else None


def _column_file(folder, name):
    return folder / f"{name}.npy"


def _mapped(path, dtype):
    # As a plain array, which is quicker to index than NumPy's own class for files and holds on to the same pages.
    return np.asarray(np.memmap(path, dtype, "r"))
