"""The version folders of a served model."""

import os
import pathlib

# A text encoder is two models: these folders have its versions, of ids and of texts.
IDS, STRINGS = "ids", "strings"


def versions(directory):
    """Numbers of the version folders in a directory, in rising order, as TF Serving reads them.

    Args:
        directory: Path of the model's base folder; it need not exist.

    Returns:
        List of ints.

    Example:

    >>> import pathlib, tempfile
    >>> from keras_ssl.serving import versions
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     for name in ("2", "10", ".tmp-11-8f3a"):
    ...         pathlib.Path(directory, name).mkdir()
    ...     versions(directory)
    [2, 10]
    """
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        return []
    return sorted(int(entry.name) for entry in directory.iterdir() if entry.name.isdecimal() and entry.is_dir())


def new_targets(directories, version=None):
    """Paths of version folders that do not exist yet, of one number in all directories.

    Args:
        directories: list of Paths of base folders.
        version: int, 1 or more. By default one more than the newest in any of them.

    Returns:
        List of `pathlib.Path`.

    Raises:
        ValueError: If the number is none, or taken.
    """
    directories = [pathlib.Path(directory) for directory in directories]
    if version is None:
        version = 1 + max((number for directory in directories for number in versions(directory)), default=0)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"`version` must be an int of 1 or more. Received: version={version!r}")
    targets = [directory / str(version) for directory in directories]
    for target in targets:
        if os.path.lexists(target):
            raise ValueError(f"`version` must be new: {target} exists. Received: version={version}")
    return targets
