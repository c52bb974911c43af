import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.preprocessing import StandardScaler

from keras_ssl import evaluation, metrics
from keras_ssl.evaluation.text_baselines import bag_of_words, tfidf_probes
from keras_ssl.evaluation.text_splits import draw_splits

SCORES = {"linear", "linear_std", "ridge", "ridge_std"}


def test_equals_scikit_learn_on_the_same_split(text_encoder, tokenizer, sentences):
    texts, labels = sentences
    train, test = (texts[:40], labels[:40]), (texts[40:], labels[40:])
    found = evaluation.text_classification(
        text_encoder, tokenizer, train, test, beside={"it": (text_encoder, tokenizer)}
    )
    assert set(found) == SCORES | {"rankme", "splits", "train_rows", "test_rows", "baselines"}
    assert set(found["baselines"]) == {"it", "majority", "random", "tfidf"}
    assert all(set(row) == SCORES for row in found["baselines"].values())
    features = evaluation.encode_texts(text_encoder, tokenizer, texts)
    assert found["rankme"] == metrics.rankme(features)
    scaled = StandardScaler().fit(features[:40]).transform(features)
    ridge = RidgeClassifierCV([1, 10, 100, 1e3, 1e4]).fit(scaled[:40], labels[:40])
    assert found["ridge"] == found["baselines"]["it"]["ridge"] == ridge.score(scaled[40:], labels[40:])
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    known = vectorizer.fit_transform(texts[:40])
    logistic = LogisticRegression(C=10, max_iter=1000).fit(known, labels[:40])
    assert found["baselines"]["tfidf"]["linear"] == logistic.score(vectorizer.transform(texts[40:]), labels[40:])
    commonest = np.bincount(labels[:40]).argmax()
    assert found["baselines"]["majority"]["linear"] == np.mean(labels[40:] == commonest)
    assert (found["splits"], found["linear_std"]) == (1, 0.0)
    order = np.random.default_rng([0, 0]).permutation(40)
    rows = features[order], labels[order], features[40:], labels[40:]
    assert found["linear"] == evaluation.linear_probe(*rows).accuracy


def test_means_over_splits_repeat(text_encoder, tokenizer, sentences):
    options = {"splits": 2, "train_size": 30, "test_size": 20, "seed": 4}
    found = evaluation.text_classification(text_encoder, tokenizer, sentences, **options)
    alone = [tfidf_probes(*sentences, *rows)["ridge"] for rows in draw_splits(60, None, 2, 30, 20, 4)]
    assert found["baselines"]["tfidf"]["ridge"] == pytest.approx(np.mean(alone))
    assert found["baselines"]["tfidf"]["ridge_std"] == pytest.approx(np.std(alone))
    assert (found["splits"], found["train_rows"], found["test_rows"]) == (2, 30, 20)


def test_splits_part_the_rows():
    splits = draw_splits(10, None, 3, None, 0.3, 0)
    assert all(sorted([*train, *test]) == list(range(10)) and len(test) == 3 for train, test in splits)
    assert len({tuple(test) for _, test in splits}) == 3
    given = draw_splits(10, 4, 2, 6, 0.3, 0)
    assert [test.tolist() for _, test in given] == [[10, 11, 12, 13]] * 2
    assert all(len(set(train)) == 6 and max(train) < 10 for train, _ in given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"splits": 0}, "splits=0"),
        ({"train_size": 50, "test_size": 20}, "must leave rows for both among the 60.*train_size=50, test_size=20"),
        ({"test_size": 0}, "test_size=0"),
        ({"train": (["red"], [1.5])}, "`train labels` must be integers"),
        ({"train": ["red"]}, "`train` must be a pair"),
        ({"test": (["red", 3], [0, 1])}, "`test` must be a list of one or more str"),
        ({"beside": {"tfidf": None}}, "`beside` must not use the name of a baseline.*'tfidf'"),
        ({"beside": {"other": 3}}, "`beside` must hold pairs"),
    ],
)
def test_refuses(text_encoder, tokenizer, sentences, arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluation.text_classification(text_encoder, tokenizer, **{"train": sentences, **arguments})


def test_texts_without_blanks_are_taken_by_their_characters():
    texts = ["今天下雨", "我不去", "今天我去"]
    assert "今天" in bag_of_words(texts).vocabulary_
    assert "rainy today" in bag_of_words(["rainy today", "我不去", "not today"]).vocabulary_
