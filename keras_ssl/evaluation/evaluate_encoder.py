"""One number after the other: everything `keras-ssl evaluate` prints."""

from keras_ssl import metrics
from keras_ssl.evaluation.baselines import random_encoder, raw_features
from keras_ssl.evaluation.extract_features import extract_features
from keras_ssl.evaluation.knn import knn
from keras_ssl.evaluation.linear_probe import linear_probe


def evaluate_encoder(encoder, train, test, *, seed=0, draws=5, progress=None):
    """Judges an encoder, and beside it the same architecture untrained and the raw input.

    Args:
        encoder: a Functional or Sequential Keras model that gives one vector a row.
        train: labelled data as for `extract_features`: the bank of neighbours and the probes' train rows. At least
            20 rows.
        test: labelled data of the same kind.
        seed: int, of the random encoder, the draws of labels and the held-out parts.
        draws: int, how often 1 % and 10 % of the labels are drawn.
        progress: None, or a callable that is told in a few words what comes next.

    Returns:
        Dict of floats, all but `rankme` accuracies in [0, 1]: `"knn"` (20 neighbours, temperature 0.07), `"linear"`,
        `"linear_1pct"`, `"linear_10pct"` (means over the draws), `"rankme"` of the test features; and `"baselines"`
        with the four accuracies for `"raw"` and `"random"`.

    Raises:
        ValueError: If data has no labels, or as `knn` and `linear_probe`.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import evaluation
    >>> encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> data = np.repeat(np.eye(2, 4, dtype="float32"), 20, axis=0), np.repeat([0, 1], 20)
    >>> scores = evaluation.evaluate_encoder(encoder, data, data)
    >>> sorted(scores)
    ['baselines', 'knn', 'linear', 'linear_10pct', 'linear_1pct', 'rankme']
    >>> scores["baselines"]["raw"]["linear"]
    1.0

    Reference: kNN, arXiv 1805.01978; few labels, arXiv 2002.05709; RankMe, arXiv 2210.02885.
    """
    tell = progress or (lambda text: None)

    def judge(name, features_of):
        tell(f"{name}: features")
        (train_features, train_labels), (test_features, test_labels) = features_of(train), features_of(test)
        for argument, labels in (("train", train_labels), ("test", test_labels)):
            if labels is None:
                raise ValueError(
                    f"`{argument}` must be labelled: neighbours and probes need classes. Without labels there is "
                    "`metrics.rankme(evaluation.extract_features(encoder, data)[0])`. "
                    f"Received: {argument} without labels"
                )
        data = train_features, train_labels, test_features, test_labels
        tell(f"{name}: nearest neighbours")
        scores = {"knn": knn(*data)}
        for key, words, fraction in (
            ("linear", "all labels", 1.0),
            ("linear_1pct", "1 % of the labels", 0.01),
            ("linear_10pct", "10 % of the labels", 0.1),
        ):
            tell(f"{name}: linear probe, {words}")
            times = 1 if fraction == 1.0 else draws
            scores[key] = linear_probe(*data, fraction=fraction, draws=times, seed=seed).accuracy
        return scores, test_features

    scores, test_features = judge("encoder", lambda data: extract_features(encoder, data))
    scores["rankme"] = metrics.rankme(test_features)
    untrained = random_encoder(encoder, seed)
    scores["baselines"] = {
        "raw": judge("raw input", raw_features)[0],
        "random": judge("random encoder", lambda data: extract_features(untrained, data))[0],
    }
    return scores
