import keras
import numpy as np
import pytest

from keras_ssl import evaluation, metrics

ACCURACIES = {"knn", "linear", "linear_1pct", "linear_10pct"}


@pytest.fixture
def encoder():
    return keras.Sequential([keras.Input((2, 3, 1)), keras.layers.Flatten(), keras.layers.Dense(4)])


@pytest.fixture
def data(rng):
    labels = np.arange(90) % 3
    x = np.eye(3, 6)[labels] + rng.normal(size=(90, 6)) * 0.4
    return x.reshape(90, 2, 3, 1).astype("float32"), labels


def test_shape_and_numbers(encoder, data):
    told = []
    test = data[0][::2], data[1][::2]
    scores = evaluation.evaluate_encoder(encoder, data, test, draws=2, progress=told.append)
    assert set(scores) == ACCURACIES | {"rankme", "baselines"}
    assert set(scores["baselines"]) == {"raw", "random"}
    for group in (scores, *scores["baselines"].values()):
        assert all(type(group[name]) is float and 0 <= group[name] <= 1 for name in ACCURACIES)

    def expected(train_features, test_features):
        both = train_features, data[1], test_features, test[1]
        return {
            "knn": evaluation.knn(*both),
            "linear": evaluation.linear_probe(*both).accuracy,
            "linear_1pct": evaluation.linear_probe(*both, fraction=0.01, draws=2).accuracy,
            "linear_10pct": evaluation.linear_probe(*both, fraction=0.1, draws=2).accuracy,
        }

    def features(model):
        return [evaluation.extract_features(model, part)[0] for part in (data, test)]

    assert scores["baselines"]["raw"] == expected(data[0].reshape(90, 6), test[0].reshape(-1, 6))
    assert scores["baselines"]["random"] == expected(*features(evaluation.random_encoder(encoder, 0)))
    assert {name: scores[name] for name in ACCURACIES} == expected(*features(encoder))
    assert scores["rankme"] == metrics.rankme(features(encoder)[1])
    assert "raw input: nearest neighbours" in told
    assert len(told) == 15


@pytest.mark.gate
def test_same_seed_same_scores(encoder, data):
    first, second, other = (evaluation.evaluate_encoder(encoder, data, data, seed=s, draws=2) for s in (1, 1, 2))
    assert first == second
    assert first["baselines"]["random"] != other["baselines"]["random"]


def test_labels_are_needed(encoder, data):
    with pytest.raises(ValueError, match=r"`train` must be labelled.*rankme"):
        evaluation.evaluate_encoder(encoder, data[0], data)
    with pytest.raises(ValueError, match="`test` must be labelled"):
        evaluation.evaluate_encoder(encoder, data, data[0])
