"""Which pieces continue a word, where only a segmenter knows what a word is."""

import numpy as np
import tensorflow as tf


def word_marks(texts, token_ids, words, tokenize, table):
    """Marks the pieces that continue a word of a segmenter.

    Each word is tokenized for itself. Where the pieces of a text's words are those of the text, the words' bounds are
    known. Where they are not, because the segmenter cuts through what the tokenizer takes for one word, the marks of
    the vocabulary hold for this text.

    Args:
        texts: array of bytes of shape `(rows,)`, UTF-8.
        token_ids: int32 RaggedTensor of shape `(rows, None)`, their ids.
        words: function from a str to the list of its words.
        tokenize: function from a string Tensor to an int32 RaggedTensor, as of `fast_tokenizer`.
        table: `TokenTable`.

    Returns:
        bool array with an entry for each id, in the order of `token_ids.flat_values`.
    """
    segments = [list(words(text.decode())) for text in texts]
    flat = [word.encode() for segment in segments for word in segment]
    pieces = tokenize(tf.constant(flat, tf.string, shape=(len(flat),)))
    of_text = np.repeat(np.arange(len(segments)), [len(segment) for segment in segments])
    lengths = pieces.row_lengths().numpy()

    known = np.ones(int(lengths.sum()), bool)
    begins = np.cumsum(lengths) - lengths
    known[begins[lengths > 0]] = False
    found_splits = _splits(np.bincount(of_text, lengths, len(segments)))
    found, splits = pieces.flat_values.numpy(), token_ids.row_splits.numpy()
    ids = token_ids.flat_values.numpy()
    marks = np.zeros(len(ids), bool) if table.continues is None else table.continues[ids]
    for row in range(len(segments)):
        mine, other = slice(splits[row], splits[row + 1]), slice(found_splits[row], found_splits[row + 1])
        if np.array_equal(ids[mine], found[other]):
            marks[mine] = known[other]
    marks[splits[:-1][np.diff(splits) > 0]] = False  # a text begins with a word
    return marks


def _splits(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype("int64")
