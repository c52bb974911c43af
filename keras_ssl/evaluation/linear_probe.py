"""Linear classifiers on frozen features."""

import dataclasses

import numpy as np

from keras_ssl.evaluation.checks import check_features, check_labels
from keras_ssl.evaluation.softmax_regression import SoftmaxRegression

PENALTIES = (1.0, 0.1, 0.01, 1e-3, 1e-4)
FEW_ROWS = 500


@dataclasses.dataclass(frozen=True)
class LinearProbeResult:
    """What `linear_probe` found, one entry a draw.

    Args:
        accuracies: tuple of floats in [0, 1], on the test rows.
        penalties: tuple of floats, chosen without the test rows.
    """

    accuracies: tuple
    penalties: tuple

    @property
    def accuracy(self):
        """Mean accuracy over the draws: float in [0, 1]."""
        return float(np.mean(self.accuracies))

    @property
    def std(self):
        """Standard deviation of the accuracy over the draws: float, 0 for one draw."""
        return float(np.std(self.accuracies))


def linear_probe(
    train_features,
    train_labels,
    test_features,
    test_labels,
    *,
    fraction=1.0,
    draws=1,
    penalties=PENALTIES,
    validation_fraction=0.2,
    seed=0,
):
    """Test accuracy of logistic regression on frozen features, for all labels or a few of them.

    Features are standardised by the mean and deviation of all train rows, labelled or not: with 1 % of the labels
    the encoder has still seen all the data. Each draw takes a share of every class, chooses the penalty by the
    cross-entropy on a part held out of it (accuracy on few rows is a coarser judge), and fits all of it anew with that
    penalty.

    Fewer than 500 labels make a held-out part too small to choose by: then every part is held out once
    (cross-validation). A class with one label is never held out; where each class has one, nothing can be, and the
    penalty is the middle one of `penalties`.

    Args:
        train_features: array of shape `(rows, features)`.
        train_labels: int array of shape `(rows,)`; any integers, two classes or more.
        test_features: array of shape `(test_rows, features)`.
        test_labels: int array of shape `(test_rows,)`.
        fraction: float in (0, 1], share of the labels of each class to use; at least one a class.
        draws: int, how many times to draw, each time other labels.
        penalties: floats above 0, weight of `|W|^2 / 2` beside the mean cross-entropy; 1 / (C * rows) in
            scikit-learn's terms.
        validation_fraction: float in (0, 0.5], share to hold out, rounded to one part in a whole number.
        seed: int, of the draws and the held-out parts.

    Returns:
        A `LinearProbeResult`: `accuracy` and `std` over the draws, and per draw `accuracies` and `penalties`.

    Raises:
        ValueError: If features are not finite, labels are missing, or an argument is out of its range.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import evaluation
    >>> features, labels = np.repeat(np.eye(2, 4), 8, axis=0), np.repeat([0, 1], 8)
    >>> evaluation.linear_probe(features, labels, features, labels, fraction=0.5, draws=3).accuracy
    1.0

    Reference: linear evaluation with all, 1 % and 10 % of the labels: SimCLR, arXiv 2002.05709, section 4.2.
    """
    check_features("train_features", train_features)
    check_features("test_features", test_features, width=train_features.shape[1])
    train_labels = check_labels("train_labels", train_labels, len(train_features))
    test_labels = check_labels("test_labels", test_labels, len(test_features))
    classes, codes = np.unique(train_labels, return_inverse=True)
    penalties = sorted({float(penalty) for penalty in penalties}, reverse=True)
    _check_arguments(classes, fraction, draws, penalties, validation_fraction)
    train_features, test_features = _standardised(train_features, test_features)
    accuracies, chosen = [], []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        mine, parts = _draw(codes, fraction, round(1 / validation_fraction), rng)
        regression = SoftmaxRegression(train_features[mine], codes[mine], len(classes))
        penalty, weights = _choose(regression, parts, penalties)
        weights = regression.fit(penalty, start=weights)
        predicted = classes[regression.scores(weights, test_features).argmax(axis=1)]
        accuracies.append(float(np.mean(predicted == test_labels)))
        chosen.append(penalty)
    return LinearProbeResult(tuple(accuracies), tuple(chosen))


def _check_arguments(classes, fraction, draws, penalties, validation_fraction):
    if len(classes) < 2:
        raise ValueError(f"`train_labels` must hold two classes or more. Received: classes={classes.tolist()}")
    if not 0 < fraction <= 1:
        raise ValueError(f"`fraction` must be in (0, 1]. Received: fraction={fraction}")
    if draws < 1:
        raise ValueError(f"`draws` must be 1 or more. Received: draws={draws}")
    if not penalties or min(penalties) <= 0:
        raise ValueError(f"`penalties` must be one or more numbers above 0. Received: penalties={penalties}")
    if not 0 < validation_fraction <= 0.5:
        raise ValueError(
            f"`validation_fraction` must be in (0, 0.5]. Received: validation_fraction={validation_fraction}"
        )


def _standardised(train, test):
    mean, deviation = train.mean(axis=0, dtype="float64"), train.std(axis=0, dtype="float64")
    # A feature that is constant but for rounding carries nothing: unit variance would make noise of it.
    constant = deviation <= 1e-6 * np.maximum(np.abs(mean), deviation.max())
    scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, deviation)).astype("float32")
    return [(features - mean.astype(features.dtype)).astype("float32") * scale for features in (train, test)]


def _draw(codes, fraction, parts, rng):
    """Rows of one draw, and for each the part it is held out with: -1 for a class's only row."""
    rows, part = [], []
    for code in range(codes.max() + 1):
        members = rng.permutation(np.flatnonzero(codes == code))
        members = members[: max(1, round(fraction * len(members)))]
        rows.append(members)
        part.append(np.arange(len(members)) * parts // len(members) if len(members) > 1 else np.array([-1]))
    return np.concatenate(rows), np.concatenate(part)


def _choose(regression, parts, penalties):
    """The penalty with the least cross-entropy on held-out rows, and weights to start the last fit from."""
    held_out = [part for part in np.unique(parts) if part >= 0]
    if not held_out:
        return penalties[len(penalties) // 2], None
    if len(parts) >= FEW_ROWS:
        held_out = held_out[:1]
    losses = np.zeros(len(penalties))
    starts = {}
    for part in held_out:
        weights = None
        for index, penalty in enumerate(penalties):
            weights = starts[index] = regression.fit(penalty, parts != part, weights, tolerance=1e-5)
            losses[index] += regression.losses(weights, parts == part).sum()
    best = losses.argmin()
    return penalties[best], starts[best]
