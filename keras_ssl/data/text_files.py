"""Texts in a file or in a folder of files."""

import warnings

import numpy as np
import tensorflow as tf

from keras_ssl.data.folder_listing import (
    class_names,
    class_of,
    files_of_split,
    list_files,
    named,
    split_folders,
)
from keras_ssl.data.mapped_texts import MappedTexts
from keras_ssl.data.splits import is_held_out, numbers_held_out, rows_of_split
from keras_ssl.data.text_fingerprint import text_batches
from keras_ssl.data.text_index import index_texts
from keras_ssl.data.text_source import TextSource

FORMATS = (".txt",)
LEAST_HELD_OUT, MOST_HELD_OUT = 0.05, 0.4  # Of all texts: documents may be few, or one of them most of a corpus.


def texts_of_file(path, split, unit):
    """The texts of one file, where blank lines separate documents.

    Args:
        path: `pathlib.Path` of a text file.
        split: `"train"`, `"test"` or `"all"`, see `held_out_texts`.
        unit: `"line"`, `"sentence"` or `"document"`.

    Returns:
        `TextSource`; its `documents` is None if there are no blank lines.

    Raises:
        ValueError: If there is no text in the file, or something else; or no such split.
    """
    index = index_texts(path)
    if not len(index.lines):
        raise ValueError(f"`data` must hold text; this file is empty or blank. Received: data={str(path)!r}")
    if unit == "document" and len(index.documents) == 1:
        raise ValueError(
            f"`unit` can be 'document' where blank lines separate documents; {str(path)!r} has none. "
            "Received: unit='document'"
        )
    starts = index.starts(path, unit)
    documents = np.searchsorted(index.documents, starts, side="right") - 1 if len(index.documents) > 1 else None
    texts = MappedTexts([path], [index.size], [starts], one_line=unit == "sentence")
    source = TextSource(texts, name=path.stem, documents=documents)
    return held_out_texts(source, split)


def texts_of_folder(folder, split, unit):
    """The texts of a folder of `.txt` files: each file is a document, and subfolders are classes if there are several.

    Splits are those of `FolderSource`; where it has none of its own see `held_out_texts`. Files without text are named
    in a warning and skipped.

    Args:
        folder: `pathlib.Path`.
        split: str.
        unit: `"line"`, `"sentence"` or `"document"`.

    Returns:
        `TextSource`, in the order of the files' names.

    Raises:
        ValueError: If there are no texts in the folder, or something else in a file; or no such split.
    """
    found = list_files(folder, FORMATS)
    has_splits = bool(split_folders(found))
    files, inside, rows = files_of_split(folder, found, split if has_splits else "all", FORMATS, "texts")
    indices = {row: index_texts(folder / files[row]) for row in rows}
    good = [row for row in rows if len(indices[row].lines)]
    _tell_blank(folder, [files[row] for row in rows if row not in set(good)], len(rows))
    paths = [folder / files[row] for row in good]
    starts = [
        indices[row].lines[:1] if unit == "document" else indices[row].starts(path, unit)
        for row, path in zip(good, paths, strict=True)
    ]
    texts = MappedTexts(paths, [indices[row].size for row in good], starts, one_line=unit == "sentence")
    counts = [len(some) for some in starts]
    classes = several(class_names(inside, "texts"))
    numbers = {name: number for number, name in enumerate(classes or ())}
    labels = np.repeat([numbers[class_of(inside[row])] for row in good], counts) if classes else None
    documents = np.repeat(np.arange(len(good)), counts)
    source = TextSource(texts, labels, name=folder.name, classes=classes, documents=documents)
    if has_splits:
        return source
    return held_out_texts(source, split, np.array([is_held_out(files[row]) for row in good])[documents])


def held_out_texts(source, split, held=None):
    """The texts of a split, where the data have no splits of their own: whole documents, if that can be.

    Where documents are not known, or those held out would be too little or too much of all texts, what a text says
    decides: one that stands there twice is not on both sides, and other texts may come or go. Of pairs the first text
    does.

    Args:
        source: `TextSource` or `PairSource`.
        split: `"train"`, `"test"` or `"all"`.
        held: bool array, whether each text is in a document to be held out; by default by the document's number.
    """
    if split == "all":
        return source
    if held is None and source.documents is not None:
        held = numbers_held_out(source.documents)
    if held is not None and not LEAST_HELD_OUT <= held.mean() <= MOST_HELD_OUT:
        if split == "train":
            warnings.warn(
                f"Single texts of {source.name!r} are held out for testing, not whole documents: these would be "
                f"{held.mean():.0%} of the texts",
                stacklevel=4,
            )
        held = None
    if held is None:
        held = numbers_held_out(_fingerprints(source))
    return source.subset(rows_of_split(split, held, source.name, source.rows_word))


def several(classes):
    """The classes, or None if there is but one, which tells nothing."""
    return classes if classes and len(classes) > 1 else None


def _fingerprints(source):
    """A hash of each text, the same on any machine: int64 array."""
    batches = text_batches(getattr(source, "first", source))
    return np.concatenate([tf.strings.to_hash_bucket_fast(texts, 2**62).numpy() for texts in batches])


def _tell_blank(folder, blank, count):
    if len(blank) == count:
        raise ValueError(f"None of the {count} files has text in it. Received: folder={str(folder)!r}")
    if blank:
        warnings.warn(
            f"{len(blank)} of {count} files in {str(folder)!r} are empty or blank and are skipped: {named(blank)}",
            stacklevel=4,
        )
