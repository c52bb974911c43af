"""The real inputs by which an export is judged."""

import numpy as np

# Of these many an export holds the answers, and with at most these many rows a server is warmed up.
MOST_EXAMPLES = 32


def first_rows(examples, count=MOST_EXAMPLES):
    """The first rows of what a user gives.

    Args:
        examples: array or list of shape `(n, ...)`, dict of such, or a source of `keras_ssl.data`.
        count: int, at most so many.

    Returns:
        Array, or a dict of arrays.

    Raises:
        ValueError: If there are no rows, or the arrays of a dict have different numbers of them.
    """
    if hasattr(examples, "ordered"):
        examples = next(iter(examples.ordered(count)))["x"]
    if isinstance(examples, dict):
        examples = {name: np.asarray(array[:count]) for name, array in examples.items()}
        rows = {array.shape[:1] for array in examples.values()}
    else:
        examples = np.asarray(examples[:count])
        rows = {examples.shape[:1]}
    if len(rows) != 1 or rows & {(), (0,)}:
        raise ValueError(f"`examples` must be one or more rows, as many of each input. Received: {sorted(rows)} rows")
    return examples


def first_texts(examples, count=MOST_EXAMPLES):
    """The first texts of what a user gives, in UTF-8.

    Args:
        examples: list of str or bytes, array of them, or a source of texts of `keras_ssl.data`.
        count: int, at most so many.

    Returns:
        Array of dtype `S` and shape `(n,)`, as the C API is given them: zeros at the end of a text are gone.

    Raises:
        ValueError: If they are no texts.
    """
    if isinstance(examples, str | bytes):
        raise ValueError(f"`examples` must be a list of texts. Received: examples={examples!r}")
    texts = first_rows(examples, count)
    if isinstance(texts, dict) or texts.ndim != 1 or not all(isinstance(text, str | bytes) for text in texts.tolist()):
        raise ValueError(f"`examples` must be a list of texts. Received: examples={texts!r:.200}")
    return np.array([text.encode() if isinstance(text, str) else text for text in texts.tolist()])
