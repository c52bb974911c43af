"""The version folders of a served model."""

import pathlib


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
