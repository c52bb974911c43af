"""Corruptions of text: of token ids in batches, stateless, one draw for each row of the global batch.

A sampler (`TokenMask`, `WholeWordMask`, `SpanMask`) chooses the pieces that are to be predicted, and `corrupt` hides
them; what both must know of a vocabulary is a `TokenTable`. They run in `tf.data` and inside a train step alike.
"""

from keras_ssl.augment.text.corrupt import corrupt, length_of, places_of
from keras_ssl.augment.text.pack import pack
from keras_ssl.augment.text.span_mask import SpanMask
from keras_ssl.augment.text.token_mask import TokenMask
from keras_ssl.augment.text.token_table import TokenTable
from keras_ssl.augment.text.whole_word_mask import WholeWordMask

__all__ = ["SpanMask", "TokenMask", "TokenTable", "WholeWordMask", "corrupt", "length_of", "pack", "places_of"]
