"""Texts that are copied once into files with random access."""

import array
import collections
import contextlib

import numpy as np

from keras_ssl.data.cached_folder import cached_folder
from keras_ssl.data.mapped_texts import MappedTexts
from keras_ssl.data.text_source import TextSource


def cached_texts(folder, rows, *, name, classes=None):
    """Sources of the texts that `rows` gives, read from a folder that is filled the first time.

    Args:
        folder: `pathlib.Path`, see `cached_folder`.
        rows: function without arguments that returns an iterable of dicts, all with the same keys: texts as str or
            bytes, under any key, and the whole numbers `label` and `document` if there are any.
        name: str, what messages call the sources.
        classes: tuple of class names, or None.

    Returns:
        dict from key to `TextSource`, for each key that texts are under; none if there are no rows.
    """
    found = cached_folder(folder, lambda aside: _fill(aside, rows()))
    numbers = {key: np.load(folder / f"{key}.npy") for key in found["numbers"]}
    sources = {}
    for key in found["texts"]:
        path = folder / f"{key}.txt"
        texts = MappedTexts([path], [path.stat().st_size], [np.load(folder / f"{key}.starts.npy")])
        documents = numbers.get("document")
        sources[key] = TextSource(texts, numbers.get("label"), name=name, classes=classes, documents=documents)
    return sources


def _fill(folder, rows):
    starts, ends = collections.defaultdict(lambda: array.array("q")), collections.Counter()
    numbers, files = collections.defaultdict(lambda: array.array("q")), {}
    with contextlib.ExitStack() as opened:
        for row in rows:
            for key, value in row.items():
                if not isinstance(value, str | bytes):
                    numbers[key].append(int(value))
                    continue
                if key not in files:
                    files[key] = opened.enter_context(open(folder / f"{key}.txt", "wb"))
                text = value.encode() if isinstance(value, str) else value
                starts[key].append(ends[key])
                ends[key] += files[key].write(text.strip() + b"\n")
    for key in files:
        np.save(folder / f"{key}.starts.npy", np.asarray(starts[key], "int64"))
    for key, values in numbers.items():
        np.save(folder / f"{key}.npy", np.asarray(values, "int64"))
    return {"texts": sorted(files), "numbers": sorted(numbers)}
