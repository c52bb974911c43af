import types
import warnings

import keras
import numpy as np
import pytest

from keras_ssl import evaluation
from keras_ssl.evaluation.fine_tuning import copy_of
from keras_ssl.evaluation.text_baselines import tfidf_probes

QUICK = evaluation.FineTuning(epochs=30, learning_rate=2e-2)


@pytest.mark.gate
def test_classes_are_learned_and_the_encoder_stays(text_encoder, tokenizer, sentences):
    texts, labels = sentences
    labels = labels * 10 - 3  # any integers
    before = [weight.numpy() for weight in text_encoder.weights]
    train, test = (texts[:40], labels[:40]), (texts[40:], labels[40:])
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*[Gg]radients")
        scores = evaluation.fine_tune_sentences(text_encoder, tokenizer, train, test, settings=QUICK, train_size=None)
    for old, weight in zip(before, text_encoder.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())
    assert scores["accuracy"] > 0.9
    assert (scores["splits"], scores["train_rows"], scores["test_rows"]) == (1, 40, 20)
    assert set(scores["baselines"]) == {"majority", "random", "tfidf"}
    expected = tfidf_probes(texts, labels, np.random.default_rng([0, 0]).permutation(40), np.arange(40, 60))["linear"]
    assert scores["baselines"]["tfidf"]["accuracy"] == expected


@pytest.mark.gate
def test_splits_repeat(text_encoder, tokenizer, sentences):
    options = {
        "settings": evaluation.FineTuning(epochs=2, learning_rate=3e-3),
        "splits": 2,
        "train_size": 16,
        "beside": {"other": (text_encoder, tokenizer)},
    }
    first, second = (evaluation.fine_tune_sentences(text_encoder, tokenizer, sentences, **options) for _ in range(2))
    assert first == second
    assert {"accuracy": first["accuracy"], "accuracy_std": first["accuracy_std"]} == first["baselines"]["other"]
    assert (first["train_rows"], first["test_rows"]) == (16, 12)


def test_a_copy_is_the_encoder_with_weights_of_its_own(text_encoder, tokenizer, sentences):
    copy = copy_of(text_encoder)
    found = [evaluation.encode_texts(one, tokenizer, sentences[0]) for one in (copy, text_encoder)]
    np.testing.assert_array_equal(*found)
    assert not {id(weight) for weight in copy.weights} & {id(weight) for weight in text_encoder.weights}


def test_the_head_drops_what_it_was_told_to(text_encoder):
    model = evaluation.FineTuning(dropout=0.3).head(text_encoder.input, text_encoder.output, 2)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [0.3]


@pytest.mark.gate
def test_each_epoch_has_an_order_of_its_own(text_encoder, tokenizer, sentences, monkeypatch):
    orders = []

    def fit(model, batches, **options):
        orders.append([np.concatenate([labels for _, labels in batches]).tolist() for _ in range(2)])
        return types.SimpleNamespace(history={"loss": [0.0]})

    monkeypatch.setattr(keras.Model, "fit", fit)
    evaluation.fine_tune_sentences(text_encoder, tokenizer, sentences, splits=1, train_size=40)
    first, second = orders[0]
    assert sorted(first) == sorted(second)
    assert first != second
    assert orders[1] == orders[0]  # those of the untrained encoder


def test_each_split_has_a_seed_of_its_own(text_encoder, tokenizer, sentences, monkeypatch):
    seeds = []
    monkeypatch.setattr(evaluation.FineTuning, "fit", lambda settings, *given: seeds.append(given[-1]))
    evaluation.fine_tune_sentences(text_encoder, tokenizer, sentences, splits=2, train_size=40, seed=5)
    assert seeds == [5, 6] * 2


def test_diverging_is_told(text_encoder, tokenizer, sentences):
    settings = evaluation.FineTuning(epochs=3, learning_rate=float("inf"))
    with pytest.raises(ValueError, match="`learning_rate` must be smaller.*learning_rate=inf"):
        evaluation.fine_tune_sentences(text_encoder, tokenizer, sentences, settings=settings, train_size=32, splits=1)


def test_one_class_is_refused(text_encoder, tokenizer):
    data = ["red", "blue", "green"], [1, 1, 1]
    with pytest.raises(ValueError, match="`train` must hold two classes or more. Received: classes=1"):
        evaluation.fine_tune_sentences(text_encoder, tokenizer, data, train_size=2, test_size=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"learning_rate": 0.0}, "learning_rate=0.0"),
        ({"dropout": 1.0}, "dropout=1.0"),
    ],
)
def test_settings_refuse(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluation.FineTuning(**arguments)
