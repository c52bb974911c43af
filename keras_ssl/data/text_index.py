"""Where the texts of a file begin."""

import mmap
import os
from typing import NamedTuple

import numpy as np

from keras_ssl.data.sentences import sentence_starts

UNITS = ("line", "sentence", "document")
WINDOW = 1 << 23  # bytes that are looked at at a time
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NOT_SPACE = np.array([not bytes([byte]).isspace() for byte in range(256)])


class TextIndex(NamedTuple):
    """What is known of a text file.

    Attributes:
        size: int, its bytes.
        lines: int64 array, where the lines begin that are not blank.
        documents: int64 array, where those begin that no such line stands directly before: blank lines separate
            documents.
    """

    size: int
    lines: np.ndarray
    documents: np.ndarray

    def starts(self, path, unit):
        """Where the texts begin: int64 array.

        Args:
            path: path of the file.
            unit: `"line"`, `"sentence"` or `"document"`.
        """
        if unit == "line":
            return self.lines
        return self.documents if unit == "document" else sentence_starts(path, self.lines[:1])


def index_texts(path):
    """Passes over a file once, some megabytes at a time, and finds its lines and documents.

    A line is taken whole, so a file of one line needs the memory that the line needs.

    Args:
        path: path of a text file: UTF-8, with or without a byte order mark, lines ended by a line feed, or by a
            carriage return and a line feed.

    Returns:
        `TextIndex`, without lines if the file is empty or blank.

    Raises:
        ValueError: If there are NUL bytes, or bytes that are not UTF-8.
    """
    size = os.path.getsize(path)
    lines, documents = [np.empty(0, "int64")], [np.empty(0, "int64")]
    if size == 0:
        return TextIndex(0, lines[0], documents[0])
    line_number, text_before = 1, False
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for begin, end in _windows(content):
            window = content[begin:end]
            _check(window, path, line_number)
            starts, is_text = _lines(window)
            follows_text = np.concatenate([[text_before], is_text[:-1]])
            lines.append(starts[is_text] + begin)
            documents.append(starts[is_text & ~follows_text] + begin)
            line_number, text_before = line_number + len(starts), is_text[-1]
    return TextIndex(size, np.concatenate(lines), np.concatenate(documents))


def _windows(content):
    """Places that cut a file into pieces at line ends."""
    begin, size = len(BYTE_ORDER_MARK) if content[:3] == BYTE_ORDER_MARK else 0, len(content)
    while begin < size:
        end = begin + WINDOW
        if end < size:
            end = content.rfind(b"\n", begin, end) + 1 or content.find(b"\n", end) + 1 or size
        yield begin, min(end, size)
        begin = end


def _lines(window):
    """Where the lines of some bytes begin, and which of them hold more than spaces."""
    codes = np.frombuffer(window, "uint8")
    ends = np.flatnonzero(codes == ord("\n")) + 1
    starts = np.concatenate([[0], ends[ends < len(codes)]])
    return starts, np.logical_or.reduceat(NOT_SPACE[codes], starts)


def _check(window, path, line_number):
    nul = window.find(b"\0")
    if nul >= 0:
        line = line_number + window.count(b"\n", 0, nul)
        raise ValueError(
            f"A text file must have no NUL bytes, as binary files and UTF-16 do: {str(path)!r}, line {line}"
        )
    try:
        _ = window.isascii() or window.decode()
    except UnicodeDecodeError as error:
        line = line_number + window.count(b"\n", 0, error.start)
        raise ValueError(
            f"A text file must be UTF-8: {str(path)!r}, line {line}, has the byte 0x{window[error.start]:02x} "
            f"({error.reason}); convert it first, with iconv for instance"
        ) from error
