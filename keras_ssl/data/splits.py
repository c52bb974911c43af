"""Which part of a data set a split's name stands for."""

import hashlib
import os

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


def held_out_part(split, keys, name):
    """Numbers of the rows of a split, where the data have no splits of their own.

    A hash of its key decides for each row, so a row stays where it is when others come or go: one of six is
    `"test"`, the others are `"train"`, and `"all"` is everything.

    Args:
        split: `"train"`, `"test"` or `"all"`; `"val"` and `"validation"` mean `"test"`.
        keys: strings, one a row.
        name: str, the data set, for the message.

    Raises:
        ValueError: If there is no such split, or no row falls into it.
    """
    if split == "all":
        return list(range(len(keys)))
    split = "test" if SYNONYMS.get(split, split) == "validation" else split
    if split not in ("train", "test"):
        raise ValueError(f"`split` of {name!r} must be 'train', 'test' or 'all'. Received: split={split!r}")
    rows = [row for row, key in enumerate(keys) if _is_held_out(key) == (split == "test")]
    if not rows:
        raise ValueError(
            f"None of the {len(keys)} pictures of {name!r} fall into this split; split='all' takes them all. "
            f"Received: split={split!r}"
        )
    return rows


def _is_held_out(key):
    digest = hashlib.blake2b(os.fsencode(key), digest_size=8).digest()
    return int.from_bytes(digest, "little") % HELD_OUT == 0
