"""What a masked language model says of places in texts that are hidden from it."""

import math

import numpy as np
import tensorflow as tf
from keras import ops

from keras_ssl.objectives.token_model import check_texts


def fill_mask(model, texts, top_k):
    """See `MaskedLM.fill_mask`."""
    if top_k < 1:
        raise ValueError(f"`top_k` must be at least 1. Received: top_k={top_k}")
    token_ids = _ids_with_masks(model, texts)
    rows, places = np.nonzero(token_ids == model.tokens.mask_id)
    chances = np.exp(_log_chances(model, token_ids[rows], places))
    found = [[] for _ in texts]
    for row, chance in zip(rows, chances, strict=True):
        best = np.argsort(-chance, kind="stable")[:top_k]
        found[row].append([(model.tokenizer.id_to_token(int(one)), float(chance[one])) for one in best])
    return found


def pseudo_perplexity(model, texts, batch_size):
    """See `MaskedLM.pseudo_perplexity`."""
    token_ids = model.ids_of(texts)
    rows, places = np.nonzero(~model.tokens.is_special(token_ids).numpy())
    if not len(rows):
        raise ValueError(f"`texts` must have at least one known piece. Received: texts={texts!r}")
    token_ids, total = token_ids.numpy(), 0.0
    for start in range(0, len(rows), batch_size):
        some, at = rows[start : start + batch_size], places[start : start + batch_size]
        hidden, numbers = token_ids[some].copy(), np.arange(len(some))
        hidden[numbers, at] = model.tokens.mask_id
        total += _log_chances(model, hidden, at)[numbers, token_ids[some, at]].sum(dtype="float64")
    return math.exp(-total / len(rows))


def _log_chances(model, token_ids, places):
    """Logarithms of the chances of all pieces at one place of each row: `(rows, vocabulary)`."""
    sequence = model.sequence(tf.constant(token_ids), training=False)
    logits = model.head(sequence, mask_positions=tf.constant(places[:, None], "int32"))
    return ops.convert_to_numpy(ops.log_softmax(ops.cast(logits[:, 0], "float32")))


def _ids_with_masks(model, texts):
    """Ids of texts in which the mask token is written: tokenizers of keras-hub would take it to pieces."""
    check_texts(texts)
    tokenizer = model.need_tokenizer()
    # keras-hub's XLMRobertaTokenizer knows the number alone.
    mark = getattr(tokenizer, "mask_token", None) or tokenizer.id_to_token(model.tokens.mask_id)
    rows = []
    for text in texts:
        parts = [part.rstrip() for part in text.split(mark)]  # byte pairs keep the blank with the word behind it
        if len(parts) < 2:
            raise ValueError(f"`texts` must have the mask token {mark!r} in each. Received: {text!r}")
        first, *others = model.pieces_of(parts)
        rows.append(first + [piece for part in others for piece in (model.tokens.mask_id, *part)])
    token_ids = model.packed(rows).numpy()
    masks = [text.count(mark) for text in texts]
    if (np.sum(token_ids == model.tokens.mask_id, axis=1) != masks).any():
        raise ValueError(
            "`texts` must have their masks within what the backbone can read. "
            f"Received: a text of more than {token_ids.shape[1]} pieces"
        )
    return token_ids
