"""Files that are never seen half-written."""

import contextlib
import os
import re
import shutil
import uuid
from pathlib import Path


@contextlib.contextmanager
def written_aside(path):
    """Gives the path of a file beside `path` to write to; it takes the name `path` when the block ends well.

    Args:
        path: str or Path of the file. Its ending is kept, since Keras and NumPy look at it.

    Example:

    >>> import pathlib, tempfile
    >>> from keras_ssl.files import written_aside
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with written_aside(target) as aside:
    ...     _ = aside.write_text("all of it")
    ...     target.exists()
    False
    >>> target.read_text()
    'all of it'
    """
    path = Path(path)
    aside = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.aside{path.suffix}")
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
        _names_to_disk(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_written_aside(path):
    """Gives the path of a new folder beside `path` to fill; it takes the name `path` when the block ends well.

    Args:
        path: str or Path of a folder that does not exist.
    """
    path = Path(path)
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.aside")
    try:
        aside.mkdir(parents=True)
        yield aside
        for file in aside.rglob("*"):
            if file.is_file():
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
        os.rename(aside, path)
        _names_to_disk(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def leftovers(directory):
    """What `written_aside` and `folder_written_aside` left in a folder when its process was killed: a list of paths.

    Args:
        directory: Path of a folder in which no other process is writing.
    """
    return [
        path for path in Path(directory).iterdir() if re.fullmatch(r"\..+\.[0-9a-f]{8}\.aside(\.[a-z]+)?", path.name)
    ]


def remove_leftovers(directory):
    """Takes `leftovers` away."""
    for path in leftovers(directory):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _names_to_disk(folder):
    """Lets a new name outlive a loss of power, where the system can do that for a folder."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
