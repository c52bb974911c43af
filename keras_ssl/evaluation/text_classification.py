"""How well classes of sentences can be read off their frozen features."""

import functools

from keras_ssl import metrics
from keras_ssl.evaluation.checks import check_features
from keras_ssl.evaluation.linear_probe import linear_probe
from keras_ssl.evaluation.text_baselines import majority, tfidf_probes
from keras_ssl.evaluation.text_judges import TextJudge, with_baselines
from keras_ssl.evaluation.text_splits import labelled_splits, over_splits, sizes_of

RIDGE_PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4)


def text_classification(
    encoder,
    tokenizer,
    train,
    test=None,
    *,
    beside=None,
    splits=5,
    train_size=None,
    test_size=0.2,
    seed=0,
    max_length=128,
    batch_size=256,
    progress=None,
):
    """Test accuracy of linear classifiers of texts, on frozen features and on those of what must be beaten.

    Two probes of each: ridge regression to the classes, whose penalty is chosen by leaving one out, and
    `linear_probe`. Beside the encoder stand the most frequent class, the same architecture untrained, TF-IDF of words
    and pairs of words (scikit-learn's `RidgeClassifier` and `LogisticRegression(C=10)`, fitted on the train texts
    alone), and other encoders by name.

    Args:
        encoder: see `encode_texts`.
        tokenizer: see `encode_texts`.
        train: pair of a list of str and whole numbers of shape `(texts,)`, the classes.
        test: such a pair, or None: then every split draws its test rows from `train`.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        splits: int, how often train and test rows are drawn. Where all of `train` stands against a given `test` there
            is one.
        train_size: int, train rows of a split, or None for all that are left.
        test_size: int, test rows of a split, or float in (0, 1), their share. Of no effect where `test` is given.
        seed: int, of the splits and the random encoder.
        max_length: see `encode_texts`.
        batch_size: see `encode_texts`.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Dict of `"ridge"` and `"linear"`, accuracies in [0, 1], means over the splits; `"ridge_std"` and `"linear_std"`,
        their standard deviations; `"rankme"` of the features of all texts; `"splits"`, `"train_rows"` and
        `"test_rows"`; and `"baselines"` with the first four for `"majority"`, `"tfidf"`, `"random"` and the names of
        `beside`.

    Raises:
        ValueError: If texts and labels do not fit, or there are not enough of them.

    Reference: linear evaluation of sentence vectors: SentEval, arXiv 1803.05449.
    """
    texts, labels, splits = labelled_splits(train, test, splits, train_size, test_size, seed)
    judge = TextJudge(encoder, tokenizer, beside, seed, max_length, batch_size, progress)
    scores = {}
    for name, features_of in judge:
        features = features_of(texts)
        check_features(f"{name} features", features)
        if name == "encoder":
            rankme = metrics.rankme(features)
        judge.tell(f"{name}: probes")
        scores[name] = over_splits(functools.partial(_probes, features, labels, seed), splits)
    judge.tell("tfidf: probes")
    scores["tfidf"] = over_splits(functools.partial(tfidf_probes, texts, labels), splits)
    scores["majority"] = over_splits(functools.partial(majority, labels), splits)
    scores["encoder"] |= {"rankme": rankme, **sizes_of(splits)}
    return with_baselines(scores)


def _probes(features, labels, seed, train, test):
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    rows = features[train], labels[train], features[test], labels[test]
    with threadpool_limits(1, "blas"):  # NumPy's threads spin on a busy machine
        ridge = make_pipeline(StandardScaler(), RidgeClassifierCV(RIDGE_PENALTIES)).fit(*rows[:2])
        accuracy = float(ridge.score(*rows[2:]))
    return {"ridge": accuracy, "linear": linear_probe(*rows, seed=seed).accuracy}
