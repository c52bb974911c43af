"""What tells one corpus, or one tokenizer, from another."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_ssl.data.pair_source import PairSource
from keras_ssl.data.text_source import TextSource

AT_A_TIME = 4096
BYTES_AT_A_TIME = 2**22
SAMPLED = 64
_KNOWN = "_text_fingerprint"  # on a source, whose rows stay what they are


def as_text_source(texts):
    """`texts` itself if it is a `TextSource`, else one of all the str in it, of pairs of both sides."""
    if isinstance(texts, TextSource):
        return texts
    if isinstance(texts, PairSource):
        return TextSource(_BothSides(texts), name=texts.name)
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise ValueError(f"`texts` must be a TextSource, or an iterable of str. Received: texts={texts!r}")
    return TextSource(list(texts))


def text_fingerprint(source):
    """A hash of all texts, labels, classes and documents of a source. It passes over the texts the first time.

    Args:
        source: `TextSource`.

    Returns:
        str of 32 hexadecimal digits.
    """
    known = getattr(source, _KNOWN, None)
    if known is not None:
        return known
    digest, lengths = hashlib.blake2b(digest_size=16), hashlib.blake2b(digest_size=16)
    for batch in text_batches(source):
        lengths.update(np.array([len(text) for text in batch]).tobytes())
        digest.update(b"".join(batch))
    digest.update(lengths.digest())
    for numbers in (source.labels, source.documents):
        digest.update(b"-" if numbers is None else np.asarray(numbers, "int64").tobytes())
    digest.update(repr(source.classes).encode())
    setattr(source, _KNOWN, digest.hexdigest())
    return digest.hexdigest()


def tokenizer_fingerprint(tokenizer):
    """A hash of a keras-hub tokenizer's kind, settings and vocabulary; its name and dtype policy do not count.

    Args:
        tokenizer: keras-hub tokenizer with a vocabulary.

    Returns:
        str of 32 hexadecimal digits.
    """
    config = {key: value for key, value in tokenizer.get_config().items() if key not in ("name", "dtype", "trainable")}
    digest = hashlib.blake2b(json.dumps([type(tokenizer).__name__, config], sort_keys=True).encode(), digest_size=16)
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save_assets(folder)
        for name in sorted(os.listdir(folder)):
            digest.update(Path(folder, name).read_bytes())
    return digest.hexdigest()


def text_batches(source):
    """The texts of a source in order, as lists of bytes."""
    return (batch["x"].tolist() for batch in source.ordered(rows_at_a_time(source)).as_numpy_iterator())


def rows_at_a_time(source):
    """How many texts are read at once: fewer where they are long. It looks at some of them."""
    some = source.subset(np.unique(np.linspace(0, len(source) - 1, SAMPLED).astype("int64")))
    (batch,) = some.ordered(SAMPLED).as_numpy_iterator()
    mean = np.mean([len(text) for text in batch["x"]])
    return int(np.clip(BYTES_AT_A_TIME // max(1, mean), 1, AT_A_TIME))


class _BothSides:
    """The texts of a `PairSource`, first all of one side, as a store."""

    def __init__(self, pairs):
        self._sides, self._pairs = (pairs.first, pairs.second), len(pairs)

    def __len__(self):
        return 2 * self._pairs

    def __getitems__(self, rows):
        sides, rows = np.divmod(rows, self._pairs)
        found = [iter(one._encoded(rows[sides == number])) for number, one in enumerate(self._sides)]
        return [next(found[side]) for side in sides]


def key_of(*parts):
    """A short name for what the parts stand for: str of 16 hexadecimal digits."""
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).hexdigest()
