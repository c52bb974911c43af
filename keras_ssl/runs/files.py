"""Files that are never seen half-written."""

import contextlib
import os
import uuid
from pathlib import Path


@contextlib.contextmanager
def written_aside(path):
    """Gives the path of a file beside `path` to write to; it takes the name `path` when the block ends well.

    Args:
        path: str or Path of the file. Its ending is kept, since Keras and NumPy look at it.

    Example:

    >>> import pathlib, tempfile
    >>> from keras_ssl.runs.files import written_aside
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "note.txt"
    >>> with written_aside(target) as aside:
    ...     _ = aside.write_text("all of it")
    ...     target.exists()
    False
    >>> target.read_text()
    'all of it'
    """
    path = Path(path)
    aside = path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
