"""Which part of a data set a split's name stands for."""

import hashlib
import os

import numpy as np

SYNONYMS = {"val": "validation"}
HELD_OUT = 6  # One picture of so many is held out for testing, as in Fashion-MNIST.


def find_split(split, available, name):
    """The name, among those available, of the split that is asked for.

    `"val"` and `"validation"` are the same, and stand in for a `"test"` that there is not.

    Args:
        split: str.
        available: the names there are.
        name: str, the data set, for the message.

    Raises:
        ValueError: If there is no such split.
    """
    plain = {SYNONYMS.get(one, one): one for one in available}
    wanted = SYNONYMS.get(split, split)
    if wanted == "test" and "test" not in plain:
        wanted = "validation"
    if wanted not in plain:
        raise ValueError(f"`split` must be one of {sorted(available)} of {name!r}. Received: split={split!r}")
    return plain[wanted]


def held_out_part(split, keys, name, rows_word="pictures"):
    """Numbers of the rows of a split, where the data have no splits of their own.

    A hash of its key decides for each row, so a row stays where it is when others come or go: one of six is
    `"test"`, the others are `"train"`, and `"all"` is everything.

    Args:
        split: `"train"`, `"test"` or `"all"`; `"val"` and `"validation"` mean `"test"`.
        keys: strings, one a row.
        name: str, the data set, for the message.
        rows_word: str, what the message calls the rows.

    Raises:
        ValueError: If there is no such split, or no row falls into it.
    """
    if split == "all":
        return list(range(len(keys)))
    wants_test = _wants_test(split, name)
    rows = [row for row, key in enumerate(keys) if is_held_out(key) == wants_test]
    return _some(rows, split, len(keys), name, rows_word)


def rows_of_split(split, held, name, rows_word):
    """Numbers of the rows of a split, of as many rows as there may be.

    Args:
        split: `"train"`, `"test"` or `"all"`; `"val"` and `"validation"` mean `"test"`.
        held: bool array, whether each row is held out for testing.
        name: str, the data set, for the message.
        rows_word: str, what the message calls the rows.

    Returns:
        int64 array of row numbers.

    Raises:
        ValueError: If there is no such split, or no row falls into it.
    """
    if split == "all":
        return np.arange(len(held))
    return _some(np.flatnonzero(held == _wants_test(split, name)), split, len(held), name, rows_word)


def numbers_held_out(numbers):
    """Whether each row is one of those for testing, by a hash of its number: bool array.

    Args:
        numbers: int64 array, one a row; rows of one number stay together.
    """
    return _mixed(numbers) % HELD_OUT == 0


def is_held_out(key, one_in=HELD_OUT):
    """Whether a row is one of those for testing, by a hash of its key.

    Args:
        key: str.
        one_in: int, of how many rows one is held out.
    """
    digest = hashlib.blake2b(os.fsencode(key), digest_size=8).digest()
    return int.from_bytes(digest, "little") % one_in == 0


def _wants_test(split, name):
    if split not in ("train", "test") and SYNONYMS.get(split, split) != "validation":
        raise ValueError(f"`split` of {name!r} must be 'train', 'test' or 'all'. Received: split={split!r}")
    return split != "train"


def _some(rows, split, count, name, rows_word):
    if not len(rows):
        raise ValueError(
            f"None of the {count} {rows_word} of {name!r} fall into this split; split='all' takes them all. "
            f"Received: split={split!r}"
        )
    return rows


def _mixed(numbers):
    """A hash of whole numbers, the last steps of SplitMix64."""
    mixed = np.asarray(numbers).astype("uint64") + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
