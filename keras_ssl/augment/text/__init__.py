"""Corruptions of text: of token ids in batches, stateless, one draw for each row of the global batch.

A sampler (`TokenMask`, `WholeWordMask`, `SpanMask`) chooses the pieces that are to be predicted, and `corrupt` hides
them; what both must know of a vocabulary is a `TokenTable`. They run in `tf.data` and inside a train step alike.
"""

from keras_ssl.augment.text.close_gaps import close_gaps
from keras_ssl.augment.text.corrupt import corrupt, length_of, places_of
from keras_ssl.augment.text.delete_words import delete_words
from keras_ssl.augment.text.graph_tokenizer import graph_tokenizer
from keras_ssl.augment.text.pack import pack
from keras_ssl.augment.text.padding_mask import padding_mask
from keras_ssl.augment.text.shuffle_words import ShuffleWords
from keras_ssl.augment.text.span_corruption import span_corruption
from keras_ssl.augment.text.span_mask import SpanMask
from keras_ssl.augment.text.text_infilling import text_infilling
from keras_ssl.augment.text.token_mask import TokenMask
from keras_ssl.augment.text.token_table import TokenTable
from keras_ssl.augment.text.whole_word_mask import WholeWordMask

__all__ = [
    "ShuffleWords",
    "SpanMask",
    "TokenMask",
    "TokenTable",
    "WholeWordMask",
    "close_gaps",
    "corrupt",
    "delete_words",
    "graph_tokenizer",
    "length_of",
    "pack",
    "padding_mask",
    "places_of",
    "span_corruption",
    "text_infilling",
]
