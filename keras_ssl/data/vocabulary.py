"""Vocabularies from a corpus: trained once, then kept on disk."""

from pathlib import Path

from keras_ssl.data.cached_folder import cached_folder, user_cache
from keras_ssl.data.source import whole
from keras_ssl.data.text_fingerprint import as_text_source, key_of, text_fingerprint
from keras_ssl.data.vocabulary_training import FAMILIES

VERSION = 1  # to be raised when the same texts give another vocabulary


def train_vocabulary(texts, family="bert", *, size=8192, lowercase=None, directory=None):
    """Trains the tokenizer of a family of models on texts, or finds the one that was trained before.

    | family | pieces | special ones |
    |---|---|---|
    | `"bert"` | WordPiece | `[PAD]` 0, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]` |
    | `"roberta"`, `"bart"` | byte pairs | `<s>` 0, `<pad>`, `</s>`, `<unk>`, `<mask>` |
    | `"gpt2"` | byte pairs | `<|endoftext|>` 0 |
    | `"t5"` | SentencePiece | `<pad>` 0, `</s>`, `<unk>`, and at the very end `<extra_id_99>` to `<extra_id_0>` |
    | `"albert"` | SentencePiece | `<pad>` 0, `<unk>`, `[CLS]`, `[SEP]`, `[MASK]` |

    WordPiece takes each Chinese character for a word. The same texts give the same vocabulary on any machine with the
    same versions of the packages `tokenizers` and `sentencepiece`.

    NOTE: SentencePiece keeps its texts in memory: of more than two million it takes every second, third, ... one.

    Args:
        texts: `TextSource`, or an iterable of str; or a `PairSource`. They are read in batches.
        family: str, see above.
        size: int, the most pieces; a small corpus may give fewer.
        lowercase: bool, whether case and, for WordPiece, accents are dropped; None for what the family does: BERT and
            ALBERT do. Byte pairs cannot.
        directory: folder to keep vocabularies in, or None for the user's cache (`XDG_CACHE_HOME`, else `~/.cache`).
            What is kept are the files of the tokenizer's own `save_assets`.

    Returns:
        keras-hub tokenizer, for example `keras_hub.tokenizers.BertTokenizer`.

    Raises:
        ValueError: If there is no such family, if `size` leaves no room beside what a vocabulary must have, or if
            `lowercase` is True where there is no way to.

    Example:

    >>> import tempfile
    >>> from keras_ssl import data
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tokenizer = data.train_vocabulary(["the cat sat", "the bat sat"] * 5, size=40, directory=folder)
    >>> tokenizer.get_vocabulary()[:5], "the" in tokenizer.get_vocabulary()
    (['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'], True)
    """
    if family not in FAMILIES:
        raise ValueError(f"`family` must be one of {sorted(FAMILIES)}. Received: family={family!r}")
    kind, size = FAMILIES[family], whole("size", size)
    if lowercase and kind.lowercase is None:
        raise ValueError(f"`lowercase` must be False for {family!r}: its pieces are bytes. Received: lowercase=True")
    lowercase = bool(kind.lowercase if lowercase is None else lowercase)
    source = as_text_source(texts)
    key = key_of(VERSION, text_fingerprint(source), family, size, lowercase)
    folder = Path(directory or user_cache("vocabularies")).expanduser() / f"{family}-{size}-{key}"

    def fill(aside):
        tokenizer = kind.train(source, size, lowercase)
        tokenizer.save_assets(str(aside))
        return tokenizer.get_config()

    config = cached_folder(folder, fill)
    tokenizer = kind.tokenizer_class().from_config(config)
    tokenizer.load_assets(str(folder))
    return tokenizer
