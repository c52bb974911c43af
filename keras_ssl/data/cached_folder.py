"""Folders that are made once, never seen half-made, and not believed when a file in them has changed."""

import contextlib
import glob
import json
import os
import shutil
import time
import uuid
import zlib
from pathlib import Path

from keras_ssl.files import written_aside

MANIFEST = "manifest.json"
READ_AT_ONCE = 2**24
LONGEST_FILL = 2 * 24 * 3600  # seconds; a folder older than that is nobody's any more


def user_cache(kind):
    """The folder for one kind of cache: in `XDG_CACHE_HOME`, else in `~/.cache`.

    Args:
        kind: str, name of the folder.

    Returns:
        `pathlib.Path`, which need not exist.
    """
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(caches, "keras_ssl", kind)


def cached_folder(path, fill):
    """Fills a folder, unless it is there and whole.

    It is filled under another name and then renamed, so that nobody sees half of it, and so that of two processes that
    fill it at once either may be the first.

    Args:
        path: `pathlib.Path` of the folder.
        fill: function that writes files below the folder that it is given, and returns what `described` shall return:
            anything that JSON can hold.

    Returns:
        That description.
    """
    description = described(path)
    if description is None:
        _sweep(path)
        aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.aside")
        aside.mkdir(parents=True)
        try:
            description = json.loads(json.dumps(fill(aside)))
            files = {str(file.relative_to(aside)): _checksum(file) for file in _files(aside)}
            with written_aside(aside / MANIFEST) as manifest:
                manifest.write_text(json.dumps({"description": description, "files": files}, indent=2))
            _take_the_name(aside, path)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return description


def _sweep(path):
    """Takes away what processes that were killed left of this folder: half of a corpus may be large."""
    for aside in path.parent.glob(f".{glob.escape(path.name)}.*.aside"):
        with contextlib.suppress(OSError):  # another process may be sweeping, too
            if time.time() - aside.stat().st_mtime > LONGEST_FILL:
                shutil.rmtree(aside)


def described(path):
    """What is known of a folder that `cached_folder` filled; None where it is missing, torn or changed.

    Args:
        path: `pathlib.Path` of the folder.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text())
        whole = all(_checksum(path / name) == found for name, found in manifest["files"].items())
    except (OSError, ValueError, KeyError):
        return None
    return manifest["description"] if whole else None


def _take_the_name(aside, path):
    for file in _files(aside):
        with file.open("rb") as written:
            os.fsync(written.fileno())
    try:
        os.rename(aside, path)  # which takes no folder's place
    except OSError:
        if described(path) is not None:  # another process was faster
            return
        shutil.rmtree(path, ignore_errors=True)
        os.rename(aside, path)


def _files(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _checksum(path):
    """Bytes and CRC-32 of a file: list of two ints."""
    size = checksum = 0
    with path.open("rb") as file:
        while part := file.read(READ_AT_ONCE):
            size, checksum = size + len(part), zlib.crc32(part, checksum)
    return [size, checksum]
