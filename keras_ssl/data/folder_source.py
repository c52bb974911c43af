"""Pictures in a folder."""

import os
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_ssl.data.folder_listing import class_names, class_of, files_of_split, named
from keras_ssl.data.picture_check import FORMATS, list_pictures, picture_shapes
from keras_ssl.data.picture_source import PictureSource, read_singly
from keras_ssl.decoding import checked_image_size, to_pixels


class FolderSource(PictureSource):
    """Pictures in a folder: PNG, JPEG, BMP, WebP, and the first picture of each GIF.

    Subfolders are classes, in the order of their names; pictures that lie in the folder itself have no labels.
    Where there is `train/`, and `test/`, `val/` or `validation/` beside it, these are the splits. Any other folder
    is split by a hash of each picture's path: one of six is `"test"`, the others are `"train"`, and `"all"` is
    everything. A picture so keeps its side when others are added.

    When a folder is opened, each picture is decoded once, and the outcome is remembered in the user's cache
    (`XDG_CACHE_HOME`, else `~/.cache`) until a file changes. Damaged pictures are named in one warning and skipped;
    an animated WebP counts as damaged, since TensorFlow cannot decode it. Transparency is dropped. Pictures have
    three channels, unless all of the folder are grey.

    Args:
        folder: path of a folder.
        split: `"train"`, `"test"` or another split, see above.
        image_size: `(height, width)`: the centre is cut out in these proportions, then resized. None if all
            pictures have one size anyway.

    Attributes:
        paths: tuple of str, the pictures' files.
        skipped: tuple of str, the damaged ones.

    Raises:
        ValueError: If there is no such folder or split, if it holds no picture or none that can be decoded, or if
            the sizes differ and `image_size` is None.

    Example:

    >>> import tempfile, numpy as np
    >>> from PIL import Image
    >>> from keras_ssl.data import FolderSource
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.fromarray(np.zeros((8, 8, 3), "uint8")).save(folder + "/black.png")
    ...     FolderSource(folder, "all").image_shape
    (8, 8, 3)
    """

    def __init__(self, folder, split="train", *, image_size=None):
        self.folder = Path(folder).expanduser().absolute()
        if not self.folder.is_dir():
            raise ValueError(f"`folder` must be a folder that exists. Received: folder={str(folder)!r}")
        found = list_pictures(self.folder)
        pictures, inside, rows = files_of_split(self.folder, found, split, FORMATS, "pictures")
        shapes = picture_shapes(self.folder, pictures)
        good = [row for row in rows if shapes[row].any()]
        self.paths = tuple(str(self.folder / pictures[row]) for row in good)
        self.skipped = tuple(str(self.folder / pictures[row]) for row in rows if not shapes[row].any())
        self._tell_skipped(len(rows))

        classes = class_names(inside, "pictures")
        numbers = {name: number for number, name in enumerate(classes or ())}
        labels = [numbers[class_of(inside[row])] for row in good] if classes else None
        image_shape = _common_shape(shapes[shapes.any(axis=1)], image_size, self.folder)
        super().__init__(self.folder.name, len(good), image_shape, labels, classes)

    def _read(self, indices, batch_size):
        columns = {"x": tf.constant([os.fsencode(path) for path in self.paths])}
        if self.labels is not None:
            columns["y"] = tf.constant(self.labels)

        def read(row):
            found = {name: tf.gather(column, row) for name, column in columns.items()}
            return {**found, "x": to_pixels(tf.io.read_file(found["x"]), self.image_shape)}

        return read_singly(indices, batch_size, read)

    def _tell_skipped(self, count):
        if not self.skipped:
            return
        if not self.paths:
            raise ValueError(f"None of the {count} pictures can be decoded. Received: folder={str(self.folder)!r}")
        names = [os.path.relpath(path, self.folder) for path in self.skipped]
        warnings.warn(
            f"{len(names)} of {count} pictures in {str(self.folder)!r} cannot be decoded and are skipped: "
            f"{named(names)}",
            stacklevel=3,
        )


def _common_shape(shapes, image_size, folder):
    channels = 1 if shapes[:, 2].max() < 3 else 3
    if image_size is not None:
        return (*checked_image_size(image_size), channels)
    sizes = np.unique(shapes[:, :2], axis=0)
    if len(sizes) > 1:
        (low_height, low_width), (high_height, high_width) = sizes.min(axis=0), sizes.max(axis=0)
        raise ValueError(
            f"`image_size` must be (height, width) where sizes differ: the pictures in {str(folder)!r} are "
            f"{low_height} to {high_height} high and {low_width} to {high_width} wide. Received: image_size=None"
        )
    return (*sizes[0], channels)
