"""Makes keras_ssl/data/samples/fashion_mnist_sample.npz from the whole set.

    python tests/data/make_fashion_mnist_sample.py [FOLDER]

FOLDER holds the four IDX files; without it they are looked for as `keras_ssl.data` looks for them.
"""

import os
import sys
from pathlib import Path

import numpy as np

from keras_ssl.data import fashion_mnist

ROWS = {"train": 10_000, "test": 2_000}


def first_rows(folder):
    """The arrays of the sample, cut from the files of the whole set."""
    arrays = {}
    for split, rows in ROWS.items():
        prefix = fashion_mnist.PREFIXES[split]
        arrays[f"x_{split}"] = fashion_mnist.read_idx(Path(folder, f"{prefix}-images-idx3-ubyte.gz"))[:rows]
        arrays[f"y_{split}"] = fashion_mnist.read_idx(Path(folder, f"{prefix}-labels-idx1-ubyte.gz"))[:rows]
    return arrays


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else fashion_mnist.find_folder()
    if folder is None:
        sys.exit("The files of Fashion-MNIST were not found: install dataset-fashion-mnist or name their FOLDER.")
    target = Path(fashion_mnist.__file__).parent / "samples" / "fashion_mnist_sample.npz"
    aside = target.with_suffix(".tmp")
    with open(aside, "wb") as file:
        np.savez_compressed(file, **first_rows(folder))
    os.replace(aside, target)
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
