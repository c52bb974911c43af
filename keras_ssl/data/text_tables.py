"""Texts in tables: with labels, in pairs, or word by word with tags."""

import csv
import sys

from keras_ssl.data.pair_source import PairSource
from keras_ssl.data.tagged_source import TaggedSource
from keras_ssl.data.text_files import held_out_texts, several
from keras_ssl.data.text_index import index_texts
from keras_ssl.data.text_source import TextSource

TABLES = (".csv", ".tsv")
PAIR = ("first", "second")
DOCUMENT_MARK = "-DOCSTART-"


def texts_of_table(path, split):
    """The texts of a table with a header: columns `text` and perhaps `label`, or `first` and `second` for pairs.

    The table is read into memory. In `.csv` a comma separates the columns, and a text with commas, quotation marks or
    line ends is quoted; in `.tsv` a tab does, and nothing is quoted.

    Args:
        path: `pathlib.Path`.
        split: `"train"`, `"test"` or `"all"`.

    Returns:
        `TextSource` or `PairSource`. Classes are the labels that occur, sorted: by value if all are whole numbers. A
        single one is no label.

    Raises:
        ValueError: If the columns are others, a row has more or fewer, or there is no row.
    """
    columns = _columns(path)
    if all(name in columns for name in PAIR):
        first, second = (TextSource(columns[name], name=path.stem) for name in PAIR)
        return held_out_texts(PairSource(first, second), split)
    if "text" not in columns:
        raise ValueError(
            "`data` must have a header with the column `text`, and perhaps `label`, or with `first` and `second`. "
            f"Received: {list(columns)} in {str(path)!r}"
        )
    labels, classes = _numbered(columns["label"]) if "label" in columns else (None, None)
    return held_out_texts(TextSource(columns["text"], labels, name=path.stem, classes=classes), split)


def tagged_of_file(path):
    """The sentences of a file in the format of CoNLL-2003: a word a line, its tag last, a blank line after a sentence.

    Lines that begin with `-DOCSTART-` separate documents.

    Args:
        path: `pathlib.Path`.

    Returns:
        `TaggedSource`.

    Raises:
        ValueError: If a line has a word and no tag, or if there are none.
    """
    sentences, documents, document, words = [], [], 0, []
    for number, line in enumerate([*_lines(path), ""], start=1):
        fields = line.split()
        if fields and fields[0] != DOCUMENT_MARK:
            if len(fields) < 2:
                place = f"line {number} of {str(path)!r}"
                raise ValueError(f"Each line must be a word and its tag. Received: {line.strip()!r} in {place}")
            words.append((fields[0], fields[-1]))
            continue
        if words:
            sentences.append(words)
            documents.append(document)
            words = []
        document += bool(fields)
    if not sentences:
        raise ValueError(f"`data` must hold words and tags; this file has none. Received: data={str(path)!r}")
    texts, tags = ([" ".join(pair[side] for pair in words) for words in sentences] for side in (0, 1))
    documents = documents if documents[-1] > documents[0] else None
    return TaggedSource(TextSource(texts, name=path.stem, documents=documents), TextSource(tags, name=path.stem))


def _columns(path):
    """The columns of a table: dict from name to list of str."""
    style = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix.lower() == ".tsv" else {}
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # a text may be a book
    reader = csv.reader(_lines(path), **style, strict=True)
    try:
        header, rows = next(reader, []), []
        for row in filter(None, reader):
            if len(row) != len(header):
                raise csv.Error(f"{len(row)} columns under a header of {len(header)}")
            rows.append(row)
    except csv.Error as error:
        raise ValueError(
            f"`data` cannot be read as a table: {error} in line {reader.line_num} of {str(path)!r}"
        ) from error
    if not rows:
        raise ValueError(f"`data` must hold texts; this table has no rows. Received: data={str(path)!r}")
    return {name.strip(): list(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)}


def _lines(path):
    index_texts(path)  # It tells what is no text, and where.
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(file)


def _numbered(labels):
    if several(set(labels)) is None:
        return None, None
    whole = all(label.strip().lstrip("-").isdecimal() for label in labels)
    classes = sorted(set(labels), key=int if whole else None)
    numbers = {name: number for number, name in enumerate(classes)}
    return [numbers[label] for label in labels], classes
