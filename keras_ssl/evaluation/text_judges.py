"""Who stands beside a text encoder that is judged."""

import functools

from keras_ssl.evaluation.baselines import random_encoder
from keras_ssl.evaluation.text_features import encode_texts

BASELINES = ("majority", "random", "tfidf", "words")


class TextJudge:
    """Features of the same texts by an encoder, by its architecture untrained, and by others that are named.

    Args:
        encoder: see `encode_texts`.
        tokenizer: see `encode_texts`.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        seed: int, of the random encoder.
        max_length: see `encode_texts`.
        batch_size: see `encode_texts`.
        progress: None, or a function that is told in a few words what comes next.
    """

    def __init__(self, encoder, tokenizer, beside, seed, max_length, batch_size, progress):
        self.tell = progress or (lambda text: None)
        self.options = {"max_length": max_length, "batch_size": batch_size}
        self.encoders = encoders_beside(encoder, tokenizer, beside, seed)

    def __iter__(self):
        """Names, and functions from texts to features: the encoder's own first."""
        for name, (encoder, tokenizer) in self.encoders.items():
            self.tell(f"{name}: features")
            yield name, functools.partial(encode_texts, encoder, tokenizer, **self.options)


def encoders_beside(encoder, tokenizer, beside, seed):
    """Pairs of encoder and tokenizer by name: the encoder's own, first; its architecture untrained; and `beside`."""
    encoders = {"encoder": (encoder, tokenizer), "random": (random_encoder(encoder, seed), tokenizer)}
    for name, pair in (beside or {}).items():
        if name in (*BASELINES, "encoder"):
            raise ValueError(f"`beside` must not use the name of a baseline. Received: {name!r}")
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"`beside` must hold pairs (encoder, tokenizer). Received: {name}={pair!r}")
        encoders[name] = tuple(pair)
    return encoders


def with_baselines(scores):
    """The dict of all scores by name as that of the encoder, with `"baselines"` beside."""
    own = scores.pop("encoder")
    return {**own, "baselines": scores}
