"""Train and test rows, drawn several times."""

import numpy as np

from keras_ssl.evaluation.checks import check_labels
from keras_ssl.evaluation.text_features import checked_texts


def labelled_splits(train, test, splits, train_size, test_size, seed):
    """All texts, list of str, and labels, int64 array; and the splits, see `draw_splits`, of rows in them."""
    texts, labels = _labelled("train", train)
    more, more_labels = ([], labels[:0]) if test is None else _labelled("test", test)
    drawn = draw_splits(len(texts), len(more) if test is not None else None, splits, train_size, test_size, seed)
    return texts + more, np.concatenate([labels, more_labels]), drawn


def draw_splits(rows, test_rows, splits, train_size, test_size, seed):
    """Pairs of train rows and test rows, each an int array.

    Args:
        rows: int, rows to draw from.
        test_rows: int, rows of a given test part, which follow the others; None to draw the test rows too.
        splits: int, how often to draw; a given test part against all rows is one.
        train_size: int, or None for all rows that are left.
        test_size: int, or float in (0, 1).
        seed: int.
    """
    if splits < 1:
        raise ValueError(f"`splits` must be 1 or more. Received: splits={splits}")
    if test_rows is not None:
        drawn = 0
        splits = splits if train_size is not None else 1
    else:
        drawn = round(test_size * rows) if isinstance(test_size, float) else test_size
    kept = rows - drawn if train_size is None else train_size
    if kept < 2 or kept + drawn > rows or (test_rows is None and drawn < 1):
        raise ValueError(
            f"`train_size` and `test_size` must leave rows for both among the {rows} of `train`. "
            f"Received: train_size={train_size}, test_size={test_size}"
        )
    orders = [np.random.default_rng([seed, split]).permutation(rows) for split in range(splits)]
    given = None if test_rows is None else np.arange(rows, rows + test_rows)
    return [(order[drawn:][:kept], order[:drawn] if given is None else given) for order in orders]


def over_splits(judge, splits):
    """Means over the splits of what `judge(train_rows, test_rows)` gives, and standard deviations as `<name>_std`."""
    return means_of([judge(*rows) for rows in splits])


def means_of(found):
    """Means of dicts of floats by name, and standard deviations as `<name>_std`."""
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    return means | {f"{name}_std": float(np.std([one[name] for one in found])) for name in found[0]}


def sizes_of(splits):
    """How many splits, and rows in each."""
    return {"splits": len(splits), "train_rows": len(splits[0][0]), "test_rows": len(splits[0][1])}


def _labelled(name, data):
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ValueError(f"`{name}` must be a pair of texts and labels. Received: {name} of type {type(data).__name__}")
    texts = checked_texts(name, data[0])
    return texts, check_labels(f"{name} labels", data[1], len(texts))
