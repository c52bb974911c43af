"""Documents in a row, cut into blocks of equal length."""

import numpy as np
import tensorflow as tf

from keras_ssl.data.source import Source, whole
from keras_ssl.data.token_pairs import refuse_pairs
from keras_ssl.data.token_stream import TokenStream


class PackedSource(Source):
    """Blocks of ids without padding: all documents in a row, each closed by the end token, cut where a block is full.

    `x` of a batch is a dict: `token_ids`, int32 of shape `(batch_size, length)`. A block may begin and end inside of a
    text; what is left at the very end is dropped. Between texts of one document there is a line end in vocabularies of
    byte pairs, whose words would run together, and nothing in others; where documents are not known, each text is one.

    Args:
        tokens: `TokenSource`; its `max_length` and `buckets` do not matter here.
        length: int, ids of a block.

    Raises:
        ValueError: If `tokens` are pairs, if the vocabulary has no end token, or if all texts together are shorter than
            one block.

    Example:

    >>> import tempfile, keras_hub
    >>> from keras_ssl import data
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning", "dogs"]
    >>> tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tokens = data.tokenize(["running dogs", "run", "dogs run"], tokenizer, folder)
    ...     next(iter(data.PackedSource(tokens, length=4).ordered(2)))["x"]["token_ids"].numpy().tolist()
    [[5, 6, 7, 3], [5, 3, 7, 5]]

    Reference: GPT-2, "Language Models are Unsupervised Multitask Learners", section 2.
    """

    rows_word = "blocks"

    def __init__(self, tokens, length=128):
        refuse_pairs(tokens)
        self.table, self.length = tokens.table, whole("length", length)
        if self.table.end_id is None:
            raise ValueError("`tokens` must have an end token, to close documents by. Received: end_id=None")
        self._stream = TokenStream(tokens.store, separator=self.table.end_id, between=self.table.line_id)
        if len(self._stream) < self.length:
            raise ValueError(
                f"`length` must be at most the {len(self._stream)} tokens of {tokens.name!r}. Received: length={length}"
            )
        super().__init__(tokens.name, len(self._stream) // self.length)

    def _row_size(self):
        return f" of {self.length} tokens"

    def _read(self, indices, batch_size):
        def fetch(index):
            return self._stream.read(index[:, None] * self.length + np.arange(self.length))

        def read(index):
            ids = tf.numpy_function(fetch, [index], tf.int32)
            return {"x": {"token_ids": tf.ensure_shape(ids, (index.shape[0], self.length))}}

        return indices.map(read)
