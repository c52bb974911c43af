"""Texts to ids, once, on disk."""

import contextlib
import re
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.augment.text import TokenTable
from keras_ssl.data.cached_folder import cached_folder, user_cache
from keras_ssl.data.fast_tokenizer import fast_tokenizer
from keras_ssl.data.pair_source import PairSource
from keras_ssl.data.prefetched import prefetched
from keras_ssl.data.text_fingerprint import (
    as_text_source,
    key_of,
    rows_at_a_time,
    text_fingerprint,
    tokenizer_fingerprint,
)
from keras_ssl.data.token_pairs import TokenPairs
from keras_ssl.data.token_source import TokenSource
from keras_ssl.data.token_store import CONTINUES, IDS, TokenStore, write_columns
from keras_ssl.data.word_marks import word_marks

VERSION = 2  # to be raised when the same texts give other files
SHOWS_PROGRESS_FROM = 100_000
MOST_IN_TWO_BYTES = 2**16
TRIED = 1000  # texts by whose words one function is told from another


def tokenize(texts, tokenizer, directory=None, *, words=None, **arrangement):
    """Tokenizes texts once, into a folder on disk, and opens it; the next time it is only opened.

    The folder's name stands for the texts, labels and documents, and for the tokenizer with its vocabulary: when one of
    them changes, another folder is made beside it. A folder in which a file is torn or has changed is made anew. Ids
    take two bytes each where there are at most 65,536 of them, else four.

    Args:
        texts: `TextSource`, or an iterable of str; or a `PairSource`. They are read in batches.
        tokenizer: keras-hub tokenizer, of `data.train_vocabulary` for instance.
        directory: folder to keep token ids in, or None for the user's cache (`XDG_CACHE_HOME`, else `~/.cache`).
        words: function from a str to the list of its words, for instance `jieba.lcut`, where the text itself does not
            tell words: in Chinese. Batches then have `word_ids`, for `augment.text.WholeWordMask`. Its name, and what
            it gives for the first texts, stand for it when a folder is looked for.
        arrangement: `max_length`, `buckets` and `window` of `TokenSource`.

    Returns:
        `TokenSource`, or `TokenPairs` of a `PairSource`.

    Raises:
        ValueError: If the tokenizer has no vocabulary or no padding token, if all texts are empty, or if `words` is a
            lambda.

    Example:

    >>> import tempfile, keras_hub
    >>> from keras_ssl import data
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning", "dogs"]
    >>> tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = data.tokenize(["running dogs", "run"], tokenizer, folder)
    ...     next(iter(source.ordered(2)))["x"]["token_ids"].numpy().tolist()
    [[2, 5, 6, 7, 3, 0, 0, 0], [2, 5, 3, 0, 0, 0, 0, 0]]
    """
    if isinstance(texts, PairSource):
        sides = (texts.first, texts.second)
        return TokenPairs(*(tokenize(one, tokenizer, directory, words=words, **arrangement) for one in sides))
    source, table = as_text_source(texts), TokenTable.of(tokenizer)
    key = key_of(VERSION, text_fingerprint(source), tokenizer_fingerprint(tokenizer), _described(words, source))
    shown = re.sub(r"[^\w-]+", "_", source.name)[:40]
    folder = Path(directory or user_cache("tokens")).expanduser() / f"{shown}-{key}"
    description = cached_folder(folder, lambda aside: _write(aside, source, tokenizer, table, words))
    return TokenSource(TokenStore(folder, description), **arrangement)


def _described(words, source):
    """What stands for a function on disk: two of one name may be methods of different objects."""
    if words is None:
        return None
    name = getattr(words, "__qualname__", type(words).__qualname__)
    if name.endswith("<lambda>"):
        raise ValueError(
            f"`words` must be a function with a name, which stands for it on disk. Received: words={words}"
        )
    first = source.texts(np.arange(min(TRIED, len(source))))
    return [getattr(words, "__module__", type(words).__module__), name, key_of(*(list(words(text)) for text in first))]


def _write(folder, source, tokenizer, table, words):
    ids_of = fast_tokenizer(tokenizer)
    dtype = "uint16" if table.size <= MOST_IN_TWO_BYTES else "int32"
    batches = source.ordered(rows_at_a_time(source)).map(
        lambda batch: (batch["x"], ids_of(batch["x"])), tf.data.AUTOTUNE
    )
    progress = keras.utils.Progbar(len(source), unit_name="text", verbose=int(len(source) >= SHOWS_PROGRESS_FROM))
    lengths, done = [], 0
    with contextlib.ExitStack() as open_files:
        ids_file = open_files.enter_context(open(folder / IDS, "wb"))
        marks_file = None if words is None else open_files.enter_context(open(folder / CONTINUES, "wb"))
        for texts, ids in prefetched(batches):
            ids.flat_values.numpy().astype(dtype).tofile(ids_file)
            if words is not None:
                word_marks(texts.numpy(), ids, words, ids_of, table).tofile(marks_file)
            lengths.append(ids.row_lengths().numpy())
            done += len(lengths[-1])
            progress.update(done, finalize=done == len(source))
    offsets = np.cumsum(np.concatenate([[0], *lengths]))
    if offsets[-1] == 0:
        raise ValueError(f"`texts` must hold something to tokenize. Received: {len(source)} empty texts")
    write_columns(folder, offsets, source.labels, source.documents)
    return {"name": source.name, "classes": source.classes, "dtype": dtype, "table": table.get_config()}
