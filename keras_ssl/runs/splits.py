"""The pictures of a run: what it learns from, what it is judged on, what is shown."""

import warnings

import numpy as np

from keras_ssl import data


def load_splits(options):
    """The train and the test pictures of a run: two sources, the second None where the data have no such split.

    Args:
        options: `RunOptions`.
    """
    train = _load(options, "train")
    try:
        return train, _load(options, "test")
    except ValueError as error:
        # Nothing to judge on is no reason not to train.
        warnings.warn(f"There are no test pictures to judge on. {error}", stacklevel=2)
        return train, None


def load_examples(options):
    """Pictures to show and to try an export with: the test pictures, or the train pictures where there are none."""
    try:
        return _load(options, "test")
    except ValueError:
        # If the data are at fault and not the split, this says so.
        return _load(options, "train")


def check_fits(encoder, source):
    """Raises a ValueError unless the encoder takes the pictures of the source."""
    wanted = encoder.input_shape[1:]
    if any(length not in (None, given) for length, given in zip(wanted, source.image_shape, strict=True)):
        raise ValueError(
            f"`data` must have pictures of {' x '.join(map(str, wanted))}, as the encoder has learned from. "
            f"Received: data={source!r}"
        )


def spread(source, count):
    """At most `count` rows, evenly spread: the first rows of a folder might all be of one class.

    Args:
        source: source of `keras_ssl.data`.
        count: int.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import data, runs
    >>> source = data.load((np.zeros((9, 4, 4, 1), "uint8"), np.arange(9)))
    >>> runs.spread(source, 3).labels.tolist()
    [0, 4, 8]
    """
    if len(source) <= count:
        return source
    return source.subset(np.linspace(0, len(source) - 1, count).astype("int64"))


def _load(options, split):
    return data.load(options.data, split, image_size=options.image_size)
