"""Which files of a folder belong to a split, and what classes their folders stand for."""

import os
import warnings

from keras_ssl.data.splits import find_split, held_out_part

SPLIT_FOLDERS = ("train", "test", "val", "validation")
NAMED_AT_MOST = 5


def list_files(folder, formats):
    """The files below a folder with these endings; hidden files and folders are left out.

    Args:
        folder: `pathlib.Path`.
        formats: tuple of str, endings in lower case.

    Returns:
        Sorted list of paths relative to the folder, with slashes.
    """
    found = []
    for where, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        inside = os.path.relpath(where, folder).replace(os.sep, "/")
        prefix = "" if inside == "." else inside + "/"
        found += [prefix + name for name in files if name.lower().endswith(formats) and not name.startswith(".")]
    return sorted(found)


def split_folders(files):
    """Names of the folders that are splits, where there are some: `train` and another, or none.

    Args:
        files: list of str, what `list_files` found.
    """
    tops = {file.split("/")[0] for file in files if "/" in file}
    splits = [name for name in SPLIT_FOLDERS if name in tops]
    return splits if "train" in splits and len(splits) > 1 else []


def files_of_split(folder, files, split, formats, files_word):
    """All files of all splits; where each lies inside its split; and the rows of the split that is asked for.

    Args:
        folder: `pathlib.Path`.
        files: list of str, what `list_files` found in it.
        split: str; `"all"` is all files, of all splits.
        formats: tuple of str, for the message.
        files_word: str, what messages call the files, in the plural.

    Raises:
        ValueError: If there are no files, or no such split.
    """
    splits = split_folders(files)
    if splits:
        files = [file for file in files if file.startswith(tuple(name + "/" for name in splits))]
        chosen = "" if split == "all" else find_split(split, splits, str(folder)) + "/"
        rows = [row for row, file in enumerate(files) if file.startswith(chosen)]
        return files, [file.partition("/")[2] for file in files], rows
    if not files:
        raise ValueError(f"`folder` must hold {files_word} ({', '.join(formats)}). Received: folder={str(folder)!r}")
    return files, files, held_out_part(split, files, str(folder), files_word)


def class_names(inside, files_word):
    """Names of the folders that hold files, sorted; None if a file lies beside them.

    Args:
        inside: list of str, where each file lies inside its split.
        files_word: str, what the warning calls the files, in the plural.
    """
    loose = sum("/" not in file for file in inside)
    names = sorted({class_of(file) for file in inside if "/" in file})
    if names and loose:
        warnings.warn(
            f"{loose} {files_word} lie beside the folders {', '.join(names[:NAMED_AT_MOST])}: these are not taken for "
            "classes, and there are no labels",
            stacklevel=4,
        )
    return names if names and not loose else None


def class_of(file):
    """The name of the folder that a file inside a split lies in."""
    return file.split("/")[0]


def named(files):
    """Some names for a message: the first few, and how many more there are."""
    more = f", and {len(files) - NAMED_AT_MOST} more" if len(files) > NAMED_AT_MOST else ""
    return ", ".join(files[:NAMED_AT_MOST]) + more
