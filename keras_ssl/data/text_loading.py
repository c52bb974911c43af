"""One door to all texts: names, paths and lists."""

import os
from pathlib import Path

import numpy as np

from keras_ssl.data.text_files import texts_of_file, texts_of_folder
from keras_ssl.data.text_index import UNITS
from keras_ssl.data.text_sets import SETS, TAGGED_SETS, load_tagged_set, load_text_set
from keras_ssl.data.text_source import TextSource
from keras_ssl.data.text_tables import TABLES, tagged_of_file, texts_of_table
from keras_ssl.data.tfds_texts import load_tfds_texts


def text_names():
    """What `load_text` knows by name: dict from name to one line; the last entry stands for tensorflow-datasets.

    Example:

    >>> from keras_ssl import data
    >>> list(data.text_names())[:3]
    ['wordnet', 'wordnet/supersense', 'wordnet/pairs']
    """
    others = "a text set of tensorflow-datasets, like imdb_reviews or glue/sst2: downloaded the first time"
    return {**{name: found.about for name, found in SETS.items()}, "<any other name>": others}


def load_text(data, split="train", *, unit=None, data_dir=None):
    """Opens texts: by the name of a data set, by path, or from a list.

    - A name: see `text_names()`. `"wordnet"` and the like are made from the files of a package that is on the machine;
      any other is looked up in tensorflow-datasets.
    - A text file, UTF-8: a line is a text, and blank lines separate documents; without blank lines no documents are
      known. It is not read into memory.
    - A file `.csv` or `.tsv` with a header: columns `text` and perhaps `label`, or `first` and `second` for pairs.
    - A folder of `.txt` files: each is a document, and subfolders are classes if there are several.
    - A list or array of str, or a pair `(texts, labels)`.

    Data on disk without splits of its own is split by a hash: one of six is `"test"`, the others `"train"`, and `"all"`
    is everything. Documents stay whole, unless those held out were under .05 or over .4 of the texts; then, and where
    none are known, equal texts stay together. Lists are always taken whole.

    Args:
        data: str, path, list of str, or pair of a list of str and whole numbers.
        split: str, `"train"`, `"test"` or another split of the data.
        unit: what a text is in a text file or a folder: `"line"`; `"sentence"`, by the rule of
            `keras_ssl.data.sentences`; or `"document"`. None is `"line"`.
        data_dir: where the package's files are, for its name; else the folder of prepared sets of
            tensorflow-datasets, its own default if None.

    Returns:
        A `TextSource`, or a `PairSource` for pairs.

    Raises:
        ValueError: If there is no such name, path or split, or if what is there are no texts.

    Example:

    >>> from keras_ssl import data
    >>> data.load_text((["good", "bad", "fine"], [1, 0, 1]))
    <TextSource 'texts': 3 texts>
    """
    if unit not in (None, *UNITS):
        raise ValueError(f"`unit` must be one of {list(UNITS)}. Received: unit={unit!r}")
    if not isinstance(data, str | os.PathLike):
        _check_whole(split, unit)
        return TextSource(*data) if _is_labelled(data) else TextSource(data)
    path = Path(data).expanduser()
    if data in SETS:
        _check_no_unit(unit, data)
        return load_text_set(data, split, data_dir)
    if path.is_dir():
        return texts_of_folder(path, split, unit or "line")
    if path.suffix.lower() in TABLES and path.is_file():
        _check_no_unit(unit, data)
        return texts_of_table(path, split)
    if path.is_file():
        if path.suffix.lower() in (".json", ".jsonl"):
            raise ValueError(
                "`data` must be plain text, or a table in .csv or .tsv: write the records' texts to one. "
                f"Received: data={os.fspath(data)!r}"
            )
        return texts_of_file(path, split, unit or "line")
    _check_is_name(data, [*TABLES, ".txt"])
    _check_no_unit(unit, data)
    return load_tfds_texts(data, split, data_dir=data_dir, known=list(SETS))


def load_tagged(data, split="train", *, data_dir=None):
    """Opens sentences with a tag on each word: `"brown"`, or a file in the format of CoNLL-2003.

    In such a file a line is a word, with its tag in the last column, and a blank line ends a sentence. It is taken
    whole.

    Args:
        data: str or path.
        split: str, `"train"` or `"test"`, or `"all"`; of a file `"train"` or `"all"`, which are the same.
        data_dir: where the package's files are, for its name.

    Returns:
        A `TaggedSource`.

    Raises:
        ValueError: If there is no such name, path or split, or if the file has another format.
    """
    if data in TAGGED_SETS:
        return load_tagged_set(data, split, data_dir)
    path = Path(data).expanduser()
    if not path.is_file():
        raise ValueError(
            f"`data` must be one of {list(TAGGED_SETS)} or the path of a file. Received: data={os.fspath(data)!r}"
        )
    _check_whole(split)
    return tagged_of_file(path)


def _is_labelled(data):
    """Whether it is texts and numbers, and not two texts."""
    return isinstance(data, tuple) and len(data) == 2 and isinstance(data[0], list | tuple | np.ndarray)


def _check_whole(split, unit=None):
    if split not in ("train", "all"):
        raise ValueError(f"`split` must be 'train' for what is taken whole. Received: split={split!r}")
    _check_no_unit(unit, "a list")


def _check_no_unit(unit, data):
    if unit is not None:
        raise ValueError(
            f"`unit` is for text files and folders of them, not for {str(data)!r}. Received: unit={unit!r}"
        )


def _check_is_name(data, endings):
    if not isinstance(data, str) or data.startswith(("/", ".", "~")) or "\\" in data or data.endswith(("/", *endings)):
        raise ValueError(f"`data` is a path that does not exist. Received: data={os.fspath(data)!r}")
    parts = [name for name in SETS if name.startswith(f"{data}/")]
    if parts:
        raise ValueError(f"`data` must name a part of {data!r}: {', '.join(parts)}. Received: data={data!r}")
