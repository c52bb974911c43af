"""One door to all pictures: names, paths and arrays."""

import os
import zipfile
from pathlib import Path

import numpy as np

from keras_ssl.data import fashion_mnist
from keras_ssl.data.array_source import ArraySource
from keras_ssl.data.folder_source import FolderSource
from keras_ssl.data.source import READ_AT_A_TIME
from keras_ssl.data.splits import find_split, held_out_part
from keras_ssl.data.tfds_sets import load_tfds
from keras_ssl.decoding import checked_image_size, resize

ARRAY_FILES = (".npz", ".npy")
NAMES = {
    "fashion_mnist_sample": "10,000 + 2,000 pictures of Fashion-MNIST, inside this package",
    "fashion_mnist": (
        "60,000 + 10,000 pictures, from the Debian package dataset-fashion-mnist or the folder that KERAS_SSL_DATA "
        "names, else downloaded"
    ),
    "<any other name>": (
        "an image set of tensorflow-datasets, like cifar10 or imagenette/160px: downloaded the first time"
    ),
}


def names():
    """What `load` knows by name: dict from name to one line; the last entry stands for tensorflow-datasets.

    Example:

    >>> from keras_ssl import data
    >>> list(data.names())
    ['fashion_mnist_sample', 'fashion_mnist', '<any other name>']
    """
    return dict(NAMES)


def load(data, split="train", *, image_size=None, data_dir=None):
    """Opens pictures: by the name of a data set, by path, or from arrays.

    - A name: `"fashion_mnist_sample"` is inside this package; see `names()`. Any other is looked up in
      tensorflow-datasets.
    - A folder of pictures: subfolders are classes; see `FolderSource`.
    - A file `.npz` with the arrays `x` and perhaps `y`, or `x_train`, `y_train`, `x_test`, `y_test`; or `.npy`.
    - An array `x`, or a pair `(x, y)`; see `ArraySource`.

    Data on disk without splits of its own is split by a hash of each picture's path or row: one of six is
    `"test"`, the others `"train"`, and `"all"` is everything. Arrays are always taken whole.

    Args:
        data: str, path, array or pair of arrays.
        split: str, `"train"`, `"test"` or another split of the data.
        image_size: `(height, width)`, or one number for both: the centre is cut out in these proportions and
            resized, antialiased. Needed only where sizes differ.
        data_dir: folder of prepared sets of tensorflow-datasets; its own default if None.

    Returns:
        A `PictureSource`.

    Raises:
        ValueError: If there is no such name, path or split, or if what is there are no pictures.

    Example:

    >>> from keras_ssl import data
    >>> data.load("fashion_mnist_sample", "test")
    <ArraySource 'fashion_mnist_sample': 2,000 pictures of 28 x 28 x 1, 10 classes>
    """
    if image_size is not None:
        image_size = checked_image_size(image_size)
    if not isinstance(data, str | os.PathLike):
        if split not in ("train", "all"):
            raise ValueError(f"`split` of arrays must be 'train', for they are taken whole. Received: split={split!r}")
        return _resized(_from_arrays(data), image_size)
    if data == "fashion_mnist_sample":
        return _resized(fashion_mnist.load_sample(split), image_size)
    if data == "fashion_mnist":
        return _resized(_full_fashion_mnist(split, data_dir), image_size)
    path = Path(data).expanduser()
    if path.is_dir():
        return FolderSource(path, split, image_size=image_size)
    if path.is_file():
        return _resized(_from_file(path, split), image_size)
    if not isinstance(data, str) or _looks_like_path(data):
        raise ValueError(f"`data` is a path that does not exist. Received: data={os.fspath(data)!r}")
    known = [name for name in NAMES if not name.startswith("<")]
    return load_tfds(data, split, image_size=image_size, data_dir=data_dir, known=known)


def _full_fashion_mnist(split, data_dir):
    folder = fashion_mnist.find_folder()
    if folder is not None:
        return fashion_mnist.load_files(folder, split)
    try:
        return load_tfds("fashion_mnist", split, data_dir=data_dir)
    except ValueError as error:
        raise ValueError(
            f"{error}; or install the Debian package dataset-fashion-mnist, or name a folder with its files in the "
            "environment variable KERAS_SSL_DATA"
        ) from error


def _from_arrays(data):
    if isinstance(data, tuple) and len(data) == 2:
        return ArraySource(*data)
    if isinstance(data, tuple | dict | None):
        raise ValueError(
            "`data` must be a name, a path, an array `x` or a pair `(x, y)`. "
            f"Received: {type(data).__name__}" + (f" of {len(data)}" if data else "")
        )
    return ArraySource(data)


def _from_file(path, split):
    if path.suffix not in ARRAY_FILES:
        raise ValueError(f"`data` must be a folder, or a file .npz or .npy. Received: data={str(path)!r}")
    arrays = _read_arrays(path)
    splits = [name.removeprefix("x_") for name in arrays if name.startswith("x_")]
    if splits:
        chosen = find_split(split, splits, str(path))
        return ArraySource(arrays[f"x_{chosen}"], arrays.get(f"y_{chosen}"), name=path.stem)
    if "x" not in arrays:
        raise ValueError(
            "`data` must hold the arrays `x` and `y`, or `x_train` and its like. "
            f"Received: {sorted(arrays)} in {str(path)!r}"
        )
    whole = ArraySource(arrays["x"], arrays.get("y"), name=path.stem)
    return whole.subset(held_out_part(split, [str(row) for row in range(len(whole))], str(path)))


def _read_arrays(path):
    try:
        content = np.load(path, allow_pickle=False)
        return {"x": content} if path.suffix == ".npy" else dict(content)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"`data` cannot be read as arrays: {error}. Received: data={str(path)!r}") from error


def _resized(source, image_size):
    if image_size in (None, source.image_shape[:2]):
        return source
    pixels = [resize(batch["x"], image_size).numpy() for batch in source.ordered(READ_AT_A_TIME)]
    return ArraySource(np.concatenate(pixels), source.labels, name=source.name, classes=source.classes)


def _looks_like_path(data):
    return data.startswith(("/", ".", "~")) or "\\" in data or data.endswith(("/", *ARRAY_FILES))
