"""What every judge asks of features and labels."""

import numpy as np


def check_features(name, features, width=None):
    """Raises a ValueError unless `features` is a finite array of shape `(rows, width)`, looked at by chunks."""
    if getattr(features, "ndim", None) != 2 or 0 in features.shape:
        raise ValueError(
            f"`{name}` must be an array of shape (rows, features), neither of them 0. "
            f"Received: {name}.shape={getattr(features, 'shape', None)}"
        )
    if width is not None and features.shape[1] != width:
        raise ValueError(
            f"`{name}` must have as many features as `train_features`. "
            f"Received: {name}.shape={features.shape}, train features={width}"
        )
    chunk = max(1, 2**22 // features.shape[1])
    bad = sum((~np.isfinite(features[i : i + chunk])).any(axis=1).sum() for i in range(0, len(features), chunk))
    if bad:
        raise ValueError(
            f"`{name}` must be finite: the encoder's weights have diverged, its half precision overflowed, or its "
            f"input held NaN. Received: {bad} of {len(features)} rows of {name} with NaN or infinity"
        )


def check_labels(name, labels, rows):
    """The labels as an int64 array of shape `(rows,)`, or a ValueError."""
    if labels is None:
        raise ValueError(f"`{name}` must be given: accuracy needs labelled data. Received: {name}=None")
    labels = np.asarray(labels)
    if labels.shape != (rows,) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers of shape ({rows},), one for each row of features. "
            f"Received: {name}.shape={labels.shape}, {name}.dtype={labels.dtype}"
        )
    return labels.astype("int64")
