"""Sentences with a tag on each word."""

import tensorflow as tf

from keras_ssl.data.source import Source


class TaggedSource(Source):
    """Sentences by number with a tag on each word: part of speech, or names of people and places.

    A batch has `x`, the words of each sentence with one space between them, and `tags` in the same way: strings of
    shape `(batch_size,)`.

    Args:
        sentences: `TextSource`, the words of each sentence with a space between them.
        tags: `TextSource`, the tags in the same way.

    Attributes:
        tag_names: tuple of str, all tags there are, sorted.

    Raises:
        ValueError: If a sentence has more tags or fewer than words.

    Example:

    >>> from keras_ssl.data import TaggedSource, TextSource
    >>> source = TaggedSource(TextSource(["dogs bark", "it shone"]), TextSource(["NOUN VERB", "PRON VERB"]))
    >>> source.words([1]), source.tags([1]), source.tag_names
    ([['it', 'shone']], [['PRON', 'VERB']], ('NOUN', 'PRON', 'VERB'))
    """

    rows_word = "sentences"

    def __init__(self, sentences, tags, *, tag_names=None):
        if len(sentences) != len(tags):
            raise ValueError(
                "`sentences` and `tags` must have as many rows. "
                f"Received: {len(sentences)} sentences and tags for {len(tags)}"
            )
        super().__init__(sentences.name, len(sentences), sentences.labels, sentences.classes)
        self._sentences, self._tags = sentences, tags
        self.tag_names = _counted_tags(self) if tag_names is None else tuple(tag_names)

    @property
    def documents(self):
        """The number of the document that each sentence belongs to: int64 array `(len(source),)`, or None."""
        return self._sentences.documents

    def words(self, indices):
        """The words of some sentences: list of lists of str.

        Args:
            indices: whole numbers in `[0, len(source))`, in any order, repeated or not.
        """
        return [text.split() for text in self._sentences.texts(indices)]

    def tags(self, indices):
        """The tags of the words of some sentences: list of lists of str."""
        return [text.split() for text in self._tags.texts(indices)]

    def _pick(self, rows):
        return TaggedSource(self._sentences.subset(rows), self._tags.subset(rows), tag_names=self.tag_names)

    def _read(self, indices, batch_size):
        both = tf.data.Dataset.zip(*(source._read(indices, batch_size) for source in (self._sentences, self._tags)))
        return both.map(lambda sentences, tags: {**sentences, "tags": tags["x"]})


def _counted_tags(source):
    names = set()
    rows = range(len(source))
    for row, words, tags in zip(rows, source.words(list(rows)), source.tags(list(rows)), strict=True):
        if len(words) != len(tags):
            raise ValueError(
                f"There must be one tag for each word of {source.name!r}. "
                f"Received: {len(words)} words and {len(tags)} tags in sentence {row}"
            )
        names.update(tags)
    return tuple(sorted(names))
