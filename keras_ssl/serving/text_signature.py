"""The signature of texts: the tokenizer in front of an encoder of ids."""

import tensorflow as tf

from keras_ssl.augment.text import pack, padding_mask
from keras_ssl.serving.signatures import ARRAYS, Signature

TEXTS = "texts"
_KNOWN = {"token_ids", "padding_mask", "segment_ids"}


class TextInputs:
    """From texts to the inputs of an encoder, as they are made for training: cut, start and end around, padded.

    Rows are padded to the longest of the batch, so that short texts are cheap; to `max_length` for an encoder that
    takes no `padding_mask`, since there padding counts.

    Args:
        names: names of the encoder's inputs: `token_ids`, and `padding_mask` and `segment_ids` where it takes them.
        tokens: `keras_ssl.augment.text.TokenTable`.
        max_length: int, ids of a text at most, start and end among them.

    Raises:
        ValueError: If there are other inputs.
    """

    def __init__(self, names, tokens, max_length):
        if "token_ids" not in names or set(names) - _KNOWN:
            raise ValueError(
                "`encoder` must take a dict with `token_ids`, and at most `padding_mask` and `segment_ids` beside it. "
                f"Received: {sorted(names)}"
            )
        self.names, self.tokens, self.max_length = tuple(names), tokens, max_length

    def __call__(self, tokenizer, texts):
        """The inputs of string tensors of shape `(rows,)`: dict of int32 tensors of shape `(rows, length)`."""
        pieces = tokenizer(texts)
        if not isinstance(pieces, tf.RaggedTensor) or not pieces.dtype.is_integer:
            raise ValueError(
                "`tokenizer` must give ragged ids: without `sequence_length`, with a whole-number `dtype`. "
                f"Received: {pieces}"
            )
        token_ids = pack(pieces, self.tokens, self.max_length)
        mask = padding_mask(token_ids, self.tokens)
        if "padding_mask" in self.names:
            # An empty text without start and end leaves one place, for an encoder takes no rows without any.
            longest = tf.maximum(tf.reduce_max(tf.reduce_sum(mask, axis=1)), 1)
            token_ids, mask = token_ids[:, :longest], mask[:, :longest]
        inputs = {"token_ids": token_ids, "padding_mask": mask, "segment_ids": tf.zeros_like(token_ids)}
        return {name: inputs[name] for name in self.names}


def text_signature(arrays, tokenizer, text_inputs, texts):
    """The signature `serving_default` of texts.

    Args:
        arrays: `Signature` of ids; its examples are those of the texts.
        tokenizer: layer of keras-hub.
        text_inputs: `TextInputs`.
        texts: array of dtype `S`.

    Returns:
        A `Signature`, with the outputs of `arrays`: strings and ids give the same vectors.
    """

    def serve(texts):
        inputs = text_inputs(tokenizer, texts)
        return arrays.function(*(tf.cast(inputs[spec.name], spec.dtype) for spec in arrays.specs))

    return Signature(ARRAYS, serve, [tf.TensorSpec((None,), "string", TEXTS)], {TEXTS: texts}, arrays.outputs)


def forgetful(tokenizer):
    """The tokenizer as it was before it read anything, built.

    keras-hub's byte-level BPE keeps each word that it has ever split in a table, which would be exported, too.
    """
    if hasattr(tokenizer, "set_vocabulary_and_merges"):
        fresh = type(tokenizer).from_config(tokenizer.get_config())
        fresh.set_vocabulary_and_merges(tokenizer.vocabulary, tokenizer.merges)
        tokenizer = fresh
    # Only what is built can be tracked; a tokenizer's first call would build it.
    if not tokenizer.built:
        tokenizer.build((None,))
    return tokenizer
