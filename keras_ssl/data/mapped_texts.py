"""Texts that stay in their files."""

import functools
import mmap
import os

import numpy as np

FILES_OPEN = 64  # Maps that are kept: a system allows a process a thousand open files.


class MappedTexts:
    """Texts in memory-mapped files, by number: of each only the place where it begins is kept in memory.

    A text ends where the next begins; spaces, line ends and blank lines around it are left out.

    Args:
        paths: paths of the files, none of them empty.
        sizes: ints, the bytes of each file.
        starts: one int64 array for each file: where in it its texts begin, in rising order.
        one_line: bool, whether each run of spaces and line ends within a text becomes one space.

    Example:

    >>> import pathlib, tempfile, numpy as np
    >>> from keras_ssl.data.mapped_texts import MappedTexts
    >>> path = pathlib.Path(tempfile.mkdtemp(), "two.txt")
    >>> size = path.write_bytes(b"first text\\nsecond\\n")
    >>> MappedTexts([path], [size], [np.array([0, 11])]).__getitems__([1, 0])
    [b'second', b'first text']
    """

    def __init__(self, paths, sizes, starts, one_line=False):
        self._paths, self._one_line = [os.fspath(path) for path in paths], one_line
        self._bounds = np.concatenate([[0], np.cumsum(sizes, dtype="int64")])
        # As if the files were one: the last number is where the last text ends.
        self._starts = np.concatenate([*map(np.add, starts, self._bounds), self._bounds[-1:]])
        self._map = functools.lru_cache(FILES_OPEN)(self._opened)

    def __len__(self):
        return len(self._starts) - 1

    def __getitems__(self, rows):
        """Some texts: list of bytes.

        Args:
            rows: list of int, the numbers of the texts.

        Raises:
            ValueError: If a file is not as long as it was.
        """
        rows = np.asarray(rows, "int64")
        begins = self._starts[rows]
        files = np.searchsorted(self._bounds, begins, side="right") - 1
        # The next text may be in another file: a slice of a file ends with the file.
        begins, ends = begins - self._bounds[files], self._starts[rows + 1] - self._bounds[files]
        places = zip(files.tolist(), begins.tolist(), ends.tolist(), strict=True)
        texts = [self._map(file)[begin:end].strip() for file, begin, end in places]
        return [b" ".join(text.split()) for text in texts] if self._one_line else texts

    def _opened(self, number):
        with open(self._paths[number], "rb") as file:
            size = int(self._bounds[number + 1] - self._bounds[number])
            if os.fstat(file.fileno()).st_size != size:
                raise ValueError(f"A file has changed since its texts were counted: {self._paths[number]!r}")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
