"""Pairs of texts that belong together."""

import tensorflow as tf

from keras_ssl.data.source import Source


class PairSource(Source):
    """Pairs of texts by number, a gloss and an example for it, say: a batch has `views`, and no `x`.

    To learn from them, `data.tokenize` makes `TokenPairs` of them.

    Args:
        first: `TextSource`.
        second: `TextSource` of as many texts; text `i` of both belong together.

    Attributes:
        first: `TextSource`.
        second: `TextSource`.

    Raises:
        ValueError: If one has more texts than the other.

    Example:

    >>> from keras_ssl.data import PairSource, TextSource
    >>> source = PairSource(TextSource(["a dog", "a star"]), TextSource(["it barked", "it shone"]))
    >>> source.pairs([1])
    [('a star', 'it shone')]
    >>> [view.numpy().tolist() for view in next(iter(source.ordered(1)))["views"]]
    [[b'a dog'], [b'it barked']]
    """

    rows_word = "pairs"

    def __init__(self, first, second):
        if len(first) != len(second):
            raise ValueError(
                f"`first` and `second` must have as many texts. Received: {len(first)} and {len(second)} texts"
            )
        super().__init__(first.name, len(first), first.labels, first.classes)
        self.first, self.second = first, second

    @property
    def documents(self):
        """The number of the document that each first text belongs to: int64 array `(len(source),)`, or None."""
        return self.first.documents

    def pairs(self, indices):
        """Some pairs: list of tuples of two str.

        Args:
            indices: whole numbers in `[0, len(source))`, in any order, repeated or not.
        """
        return list(zip(self.first.texts(indices), self.second.texts(indices), strict=True))

    def _pick(self, rows):
        return PairSource(self.first.subset(rows), self.second.subset(rows))

    def _read(self, indices, batch_size):
        both = tf.data.Dataset.zip(*(source._read(indices, batch_size) for source in (self.first, self.second)))

        def paired(first, second):
            labels = {"y": first["y"]} if "y" in first else {}
            return {"views": (first["x"], second["x"]), **labels}

        return both.map(paired)
