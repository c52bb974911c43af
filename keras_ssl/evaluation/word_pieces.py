"""Tagged words as pieces, and the way back."""

import numpy as np
import tensorflow as tf

from keras_ssl.evaluation.text_features import token_ids_of


class WordPieces:
    """The pieces of sentences that are given as words; the first piece of each word stands for it.

    A sentence that is too long is cut between words into several, so that no word is lost; a word that is too long for
    a row of its own loses its last pieces.

    Args:
        tokenizer: tokenizer of keras-hub.
        table: its `TokenTable`.
        sentences: list of lists of str, words.
        max_length: int, the most pieces of a row, start and end included.

    Attributes:
        token_ids: int32 RaggedTensor of shape `(rows, None)`, with start and end.
        words: int32 RaggedTensor of the same shape: at the first piece of a word its number, counted through all
            sentences, elsewhere -1.
    """

    def __init__(self, tokenizer, table, sentences, max_length):
        self.lengths = [len(words) for words in sentences]
        start = [] if table.start_id is None else [table.start_id]
        end = [] if table.end_id is None else [table.end_id]
        room = max_length - len(start) - len(end)
        if room < 1:
            raise ValueError(f"`max_length` must leave room for a piece. Received: max_length={max_length}")
        pieces = token_ids_of(tokenizer, _marked(tokenizer, sentences))[:, :room].to_list()
        token_ids, words = [], []
        for sentence, first in zip(sentences, np.cumsum([0, *self.lengths[:-1]]), strict=True):
            row, marks = [], []
            for word in range(first, first + len(sentence)):
                # A word without a piece, a control character say, still has a tag.
                ids = pieces[word] or [_unknown(tokenizer, table)]
                if len(row) + len(ids) > room:
                    token_ids.append(start + row + end)
                    words.append([-1] * len(start) + marks + [-1] * len(end))
                    row, marks = [], []
                row = row + ids
                marks = marks + [word] + [-1] * (len(ids) - 1)
            token_ids.append(start + row + end)
            words.append([-1] * len(start) + marks + [-1] * len(end))
        self.token_ids = tf.ragged.constant(token_ids, "int32", ragged_rank=1)
        self.words = tf.ragged.constant(words, "int32", ragged_rank=1)

    def labels(self, codes):
        """The codes of the words at their first pieces, -1 elsewhere: int32 RaggedTensor.

        Args:
            codes: int array, one for each word of all sentences.
        """
        codes = tf.constant(np.append(codes, -1), "int32")  # word -1 is the last
        places = tf.where(self.words.flat_values < 0, len(codes) - 1, self.words.flat_values)
        return self.words.with_flat_values(tf.gather(codes, places))

    def sentences_of(self, tags):
        """Tags of all words, in order, as lists of the sentences: list of lists."""
        ends = np.cumsum(self.lengths)
        return [list(tags[end - length : end]) for end, length in zip(ends, self.lengths, strict=True)]


def _marked(tokenizer, sentences):
    """The words, as the tokenizer would see them in a sentence."""
    import keras_hub

    words = [word for sentence in sentences for word in sentence]
    if isinstance(tokenizer, keras_hub.tokenizers.BytePairTokenizer):
        # Its pieces begin with the space before the word, which the first of a sentence has not.
        words = [word if place == 0 else f" {word}" for sentence in sentences for place, word in enumerate(sentence)]
    return words


def _unknown(tokenizer, table):
    oov = getattr(tokenizer, "oov_token", None)
    return table.special_ids[-1] if oov is None else tokenizer.token_to_id(oov)
