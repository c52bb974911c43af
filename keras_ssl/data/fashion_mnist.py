"""Fashion-MNIST: a sample inside this package, and the whole set where its files are on the machine."""

import gzip
import os
from importlib import resources
from pathlib import Path

import numpy as np

from keras_ssl.data.array_source import ArraySource
from keras_ssl.data.splits import find_split

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
PREFIXES = {"train": "train", "test": "t10k"}
DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"


def load_sample(split):
    """The first 10,000 pictures for training, or the first 2,000 for testing, from inside this package."""
    split = find_split(split, PREFIXES, "fashion_mnist_sample")
    sample = resources.files("keras_ssl.data") / "samples" / "fashion_mnist_sample.npz"
    with sample.open("rb") as file, np.load(file) as arrays:
        return ArraySource(arrays[f"x_{split}"], arrays[f"y_{split}"], name="fashion_mnist_sample", classes=CLASSES)


def find_folder():
    """The folder with the files of the whole set, or None.

    Looked for in the folder that the environment variable `KERAS_SSL_DATA` names, in its subfolder
    `fashion-mnist`, and where the Debian package `dataset-fashion-mnist` puts them.
    """
    named = os.environ.get("KERAS_SSL_DATA")
    folders = [Path(named), Path(named, "fashion-mnist")] if named else []
    for folder in [*folders, Path(DEBIAN_FOLDER)]:
        if all((folder / name).is_file() for prefix in PREFIXES.values() for name in _files(prefix)):
            return folder
    return None


def load_files(folder, split):
    """The whole set from its four files.

    Args:
        folder: `pathlib.Path` with `train-images-idx3-ubyte.gz` and its three companions.
        split: `"train"` or `"test"`.
    """
    split = find_split(split, PREFIXES, "fashion_mnist")
    x, y = (read_idx(folder / name) for name in _files(PREFIXES[split]))
    return ArraySource(x, y, name="fashion_mnist", classes=CLASSES)


def read_idx(path):
    """Reads a gzipped IDX file of bytes: two zeros, the type 8, the rank, then each size in four bytes.

    Args:
        path: path of the file.

    Returns:
        uint8 array.

    Raises:
        ValueError: If the file is something else, or cut short.
    """
    with gzip.open(path) as file:
        content = file.read()
    rank = content[3] if content[:3] == b"\0\0\x08" else 0
    shape = np.frombuffer(content[4 : 4 + 4 * rank], ">u4").astype(int)
    if rank == 0 or len(content) != 4 + 4 * rank + shape.prod():
        raise ValueError(f"`path` must be a whole IDX file of bytes. Received: path={str(path)!r}")
    return np.frombuffer(content, "uint8", offset=4 + 4 * rank).reshape(shape)


def _files(prefix):
    return f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz"
