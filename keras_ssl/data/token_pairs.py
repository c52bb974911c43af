"""Tokenized pairs of texts in batches of much the same length."""

import numpy as np

from keras_ssl.data.token_source import TokenSource


class TokenPairs(TokenSource):
    """Tokenized pairs by number, with random access: what `data.tokenize` makes of a `PairSource`, for `SimCSE`.

    A batch has `views`, and no `x`: a tuple of two dicts like the `x` of a `TokenSource`. Each side is padded for
    itself; batches are made by the longer text of each pair.

    Args:
        first: `TokenSource`. Its `buckets` and `window` tell how rows are put together.
        second: `TokenSource` of as many texts; text `i` of both belong together.

    Attributes:
        first: `TokenSource`.
        second: `TokenSource`.

    Raises:
        ValueError: If one has more texts than the other, or they have other vocabularies.

    Example:

    >>> import tempfile, keras_hub
    >>> from keras_ssl import data
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning", "dogs"]
    >>> tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary)
    >>> pairs = data.PairSource(data.TextSource(["dogs", "run"]), data.TextSource(["running dogs", "running"]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     first, second = next(iter(data.tokenize(pairs, tokenizer, folder, buckets=1).ordered(2)))["views"]
    >>> first["token_ids"].numpy().tolist(), second["token_ids"].numpy().tolist()
    ([[2, 7, 3], [2, 5, 3]], [[2, 5, 6, 7, 3], [2, 5, 6, 3, 0]])
    """

    rows_word = "pairs"
    _length_shape = (2,)

    def __init__(self, first, second):
        if len(first) != len(second):
            raise ValueError(
                f"`first` and `second` must have as many texts. Received: {len(first)} and {len(second)} texts"
            )
        if first.table.get_config() != second.table.get_config():
            raise ValueError(
                "`first` and `second` must be of one vocabulary. "
                f"Received: vocabularies of {first.table.size} and {second.table.size} ids"
            )
        longest = max(first.max_length, second.max_length)
        super().__init__(first.store, max_length=longest, buckets=first.buckets, window=first.window)
        self.first, self.second = first, second

    def _pick(self, rows):
        return TokenPairs(self.first.subset(rows), self.second.subset(rows))

    def _by_length(self, drawn, order):
        batches, _ = super()._by_length(drawn, order)
        return batches, np.stack([one._padded(one._lengths(batches).max(axis=1)) for one in self._sides], axis=1)

    def _lengths(self, index):
        return np.maximum(*(one._lengths(index) for one in self._sides))

    def _rows_at(self, index, length=(0, 0)):
        lengths = length[0], length[1]  # a tensor in a graph cannot be iterated over
        first, second = (one._rows_at(index, length) for one, length in zip(self._sides, lengths, strict=True))
        rows = {name: part for name, part in first.items() if name != "x"}
        return {"views": (first["x"], second["x"]), **rows}

    @property
    def _sides(self):
        return self.first, self.second


def refuse_pairs(tokens):
    """Refuses tokenized pairs where texts are to follow one another: their second texts would be lost."""
    if isinstance(tokens, TokenPairs):
        raise ValueError(f"`tokens` must be tokenized texts, for instance `pairs.first`. Received: {tokens}")
