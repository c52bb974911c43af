import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from keras_ssl import evaluation, metrics

FIRST = ["red cat", "blue dog", "red cat", "white hen", "green horse"]
SECOND = ["cat", "dog", "red", "hen", "cat"]


def test_both_ways_with_texts_that_repeat(text_encoder, tokenizer):
    found = evaluation.text_retrieval(text_encoder, tokenizer, (FIRST, SECOND), at=(1, 2))
    first = ["blue dog", "green horse", "red cat", "white hen"]
    second = ["cat", "dog", "hen", "red"]
    targets = np.array([[2, 0], [0, 1], [2, 3], [3, 2], [1, 0]])
    features = [evaluation.encode_texts(text_encoder, tokenizer, side) for side in (first, second)]
    forward = metrics.retrieval(*features, targets, at=(1, 2))
    backward = metrics.retrieval(*features[::-1], targets[:, ::-1], at=(1, 2))
    assert found["forward"] == pytest.approx(forward)
    assert found["backward"] == pytest.approx(backward)
    assert found["mrr"] == pytest.approx((forward["mrr"] + backward["mrr"]) / 2)
    assert found["queries"] == [4, 4]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(first + second)
    words = [vectorizer.transform(side).toarray() for side in (first, second)]
    assert found["baselines"]["tfidf"]["forward"] == pytest.approx(metrics.retrieval(*words, targets, at=(1, 2)))
    assert found["baselines"]["tfidf"]["backward"]["recall@1"] == 1.0
    assert set(found["baselines"]) == {"random", "tfidf"}


def test_same_texts_find_themselves(text_encoder, tokenizer):
    texts = ["red cat", "blue dog", "white hen"]
    found = evaluation.text_retrieval(text_encoder, tokenizer, (texts, texts))
    assert found["recall@1"] == found["baselines"]["random"]["mrr"] == 1.0


@pytest.mark.parametrize("pairs", [(["a"], ["a", "b"]), ["a", "b", "c"], (["a"], [3]), ([], [])])
def test_refuses(text_encoder, tokenizer, pairs):
    with pytest.raises(ValueError, match="`pairs` must be a"):
        evaluation.text_retrieval(text_encoder, tokenizer, pairs)


def test_everything_in_one_call(text_encoder, tokenizer, sentences):
    options = {"beside": {"it": (text_encoder, tokenizer)}, "seed": 2}
    sizes = {"splits": 1, "train_size": 20}
    pairs = FIRST, SECOND
    told = []
    found = evaluation.evaluate_text(
        text_encoder, tokenizer, sentences, pairs=pairs, progress=told.append, **sizes, **options
    )
    classes = evaluation.text_classification(text_encoder, tokenizer, sentences, **sizes, **options)
    retrieved = evaluation.text_retrieval(text_encoder, tokenizer, pairs, **options)
    baselines = found.pop("baselines")
    for name, row in baselines.items():
        assert row == classes["baselines"][name] | retrieved["baselines"].get(name, {})
    assert set(baselines) == {"it", "majority", "random", "tfidf"}
    assert found == {k: v for k, v in (classes | retrieved).items() if k != "baselines"}
    assert told[:2] == ["encoder: features", "encoder: probes"]
    with pytest.raises(ValueError, match="`train` must be given, labelled texts, or `pairs`"):
        evaluation.evaluate_text(text_encoder, tokenizer)
