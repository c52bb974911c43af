"""Features of texts."""

import math

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.augment.text import TokenTable, graph_tokenizer, pack, padding_mask
from keras_ssl.evaluation.feature_function import FeatureFunction

# Lengths are rounded up to a multiple of this: an encoder is traced once for each length.
LENGTH_STEP = 16
TOKENIZED_AT_A_TIME = 4096


def encode_texts(encoder, tokenizer, texts, max_length=128, batch_size=256):
    """Features of texts, in their order, by an encoder of token ids.

    Texts of like length are encoded together, so that little padding is computed. Equal texts get equal features but
    for rounding, whatever stands beside them.

    Args:
        encoder: functional Keras model that takes a dict with `token_ids`, and `padding_mask` and `segment_ids` if it
            has such inputs, and gives one vector a row, as `keras_ssl.backbones.pool` makes it. Or a `FeatureFunction`
            of one, which is compiled once for several calls.
        tokenizer: tokenizer of keras-hub.
        texts: list or array of str.
        max_length: int, the most pieces of a text, start and end included; longer texts are cut. It is lowered to what
            the backbone has positions for.
        batch_size: int, texts at a time.

    Returns:
        float32 array of shape `(texts, features)`.

    Raises:
        ValueError: If `texts` is no list of texts, or the encoder takes other inputs.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import backbones, evaluation
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "blue", "sky"]
    >>> tokenizer = keras_hub.models.BertTokenizer(words)
    >>> backbone = keras_hub.models.BertBackbone(len(words), 1, 2, 8, 16, max_sequence_length=16)
    >>> evaluation.encode_texts(backbones.pool(backbone, "avg"), tokenizer, ["blue sky", "sky"]).shape
    (2, 8)
    """
    texts = checked_texts("texts", texts)
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be 1 or more. Received: batch_size={batch_size}")
    function = encoder if isinstance(encoder, FeatureFunction) else FeatureFunction(encoder)
    encoder = function.model
    table = TokenTable.of(tokenizer)
    max_length = longest_input(encoder, max_length)
    token_ids = token_ids_of(tokenizer, texts)
    order = np.argsort(token_ids.row_lengths().numpy(), kind="stable")
    features = []
    for start in range(0, len(order), batch_size):
        rows = packed_ids(tf.gather(token_ids, order[start : start + batch_size]), table, max_length)
        features.append(function(inputs_of(encoder, padded(rows, encoder, table), table)).numpy())
    features = np.concatenate(features)
    if features.ndim != 2:
        raise ValueError(
            "`encoder` must give one vector for each text: see `keras_ssl.backbones.pool`. "
            f"Received: an output of shape {features.shape}"
        )
    return features[np.argsort(order)]


def checked_texts(name, texts):
    """The texts as a list of str, or a ValueError."""
    if isinstance(texts, str | bytes) or not len(texts) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"`{name}` must be a list of one or more str. Received: {name} of type {type(texts).__name__}")
    return [str(text) for text in texts]  # NumPy's str_ too


def token_ids_of(tokenizer, texts):
    """Ids of texts without start and end, as they are in training: int32 RaggedTensor of shape `(texts, None)`."""
    # Called directly, a tf.function warns of retracing as soon as a few encoders were looked at.
    tokenize = graph_tokenizer(tokenizer).get_concrete_function()
    parts = (texts[start : start + TOKENIZED_AT_A_TIME] for start in range(0, len(texts), TOKENIZED_AT_A_TIME))
    return tf.concat([tokenize(tf.constant(part)) for part in parts], axis=0)


def packed_ids(token_ids, table, max_length):
    """Start, ids cut to fit, and end, without padding: int32 RaggedTensor of shape `(texts, None)`."""
    ends = sum(one is not None for one in (table.start_id, table.end_id))
    lengths = tf.minimum(token_ids.row_lengths() + ends, max_length)
    return tf.RaggedTensor.from_tensor(pack(token_ids, table, max_length), lengths)


def padded(token_ids, encoder, table):
    """Packed ids with padding, to the encoder's own length or one that few batches differ in: dense."""
    longest = max(1, int(token_ids.bounding_shape()[1]))
    length = min(-(-longest // LENGTH_STEP) * LENGTH_STEP, longest_input(encoder, math.inf))
    return token_ids.to_tensor(table.pad_id, shape=(None, fixed_length(encoder) or length))


def fixed_length(encoder):
    """The one length of input that an encoder takes, or None."""
    return encoder.input["token_ids"].shape[1]


def inputs_of(encoder, token_ids, table):
    """The dict that an encoder takes, mask and segments added where it has such inputs."""
    known = {
        "token_ids": token_ids,
        "padding_mask": padding_mask(token_ids, table),
        "segment_ids": tf.zeros_like(token_ids),
    }
    return {name: known[name] for name in _input_names(encoder)}


def longest_input(encoder, max_length):
    """`max_length`, or how many positions the encoder's backbone has, if they are fewer."""
    _input_names(encoder)
    limits = [fixed_length(encoder), *_positions(encoder)]
    return min([max_length, *(limit for limit in limits if limit is not None)])


def _positions(model):
    yield getattr(model, "max_sequence_length", None)
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _positions(layer)


def _input_names(encoder):
    inputs = encoder.input if isinstance(encoder, keras.Model) and getattr(encoder, "inputs", None) else None
    names = sorted(inputs) if isinstance(inputs, dict) else []
    if "token_ids" not in names or not set(names) <= {"token_ids", "padding_mask", "segment_ids"}:
        raise ValueError(
            "`encoder` must be a functional model of a dict with `token_ids`, and perhaps `padding_mask` and "
            f"`segment_ids`. Received: {encoder!r} with inputs {names or inputs}"
        )
    return names
