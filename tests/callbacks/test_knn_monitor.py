import keras
import numpy as np
import pytest

from keras_ssl import evaluation, metrics
from keras_ssl.callbacks import KNNMonitor


@pytest.fixture
def data(rng):
    labels = np.arange(60) % 3
    return (np.eye(3, 5)[labels] + rng.normal(size=(60, 5)) * 0.4).astype("float32"), labels


def make_model():
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
    )
    model.compile("adam", "mse")
    return model


def fit(model, x, callbacks, epochs=1):
    return model.fit(
        x, np.zeros((len(x), 4)), epochs=epochs, batch_size=20, shuffle=False, verbose=0, callbacks=callbacks
    )


def test_logs_what_evaluation_finds(data):
    x, y = data
    model = make_model()
    history = fit(model, x, [KNNMonitor(data, (x[:30], y[:30]), neighbors=5)]).history
    features = model.predict(x, verbose=0)
    assert history["knn"] == [evaluation.knn(features, y, features[:30], y[:30], neighbors=5)]
    assert history["rankme"] == pytest.approx([metrics.rankme(features[:30])], rel=1e-4)


def test_training_goes_as_without_it(data):
    weights = []
    for callbacks in ([], [KNNMonitor(data, data, neighbors=3)]):
        keras.utils.set_random_seed(3)
        model = make_model()
        fit(model, data[0], callbacks, epochs=2)
        weights.append([v.numpy() for v in model.variables])
    for without, with_it in zip(*weights, strict=True):
        np.testing.assert_array_equal(without, with_it)


def test_every_carries_the_last_value_and_measures_the_last_epoch(data, monkeypatch):
    monitor = KNNMonitor(data, data, neighbors=3, every=3)
    values = iter([{"knn": 0.1, "rankme": 1.0}, {"knn": 0.2, "rankme": 2.0}, {"knn": 0.3, "rankme": 3.0}])
    monkeypatch.setattr(monitor, "_measure", lambda: next(values))
    history = fit(make_model(), data[0], [monitor], epochs=6).history
    assert history["knn"] == [0.1, 0.1, 0.1, 0.2, 0.2, 0.3]
    assert history["rankme"] == [1.0, 1.0, 1.0, 2.0, 2.0, 3.0]


def test_early_stopping_and_csv_see_it(data, monkeypatch, tmp_path):
    monitor = KNNMonitor(data, data, neighbors=3)
    values = iter([0.5, 0.7, 0.6, 0.6, 0.9])
    monkeypatch.setattr(monitor, "_measure", lambda: {"knn": next(values)})
    stop = keras.callbacks.EarlyStopping("knn", mode="max", patience=2)
    table = keras.callbacks.CSVLogger(str(tmp_path / "history.csv"))
    history = fit(make_model(), data[0], [monitor, stop, table], epochs=5)
    assert history.history["knn"] == [0.5, 0.7, 0.6, 0.6]
    assert (tmp_path / "history.csv").read_text().startswith("epoch,knn,loss")


def test_limit_takes_the_first_rows(data):
    x, y = data
    model = make_model()
    history = fit(model, x, [KNNMonitor(data, data, neighbors=5, limit=20)]).history
    features = model.predict(x[:20], verbose=0)
    assert history["knn"] == [evaluation.knn(features, y[:20], features, y[:20], neighbors=5)]


def test_features_are_traced_once_for_all_epochs(data):
    monitor = KNNMonitor(data, data, neighbors=3, batch_size=32)
    fit(make_model(), data[0], [monitor], epochs=3)
    assert monitor._features.traces == 1


def test_under_two_replicas(data, two_replicas):
    with two_replicas.scope():
        model = make_model()
    history = fit(model, data[0], [KNNMonitor(data, data, neighbors=5, batch_size=16)]).history
    features = model.predict(data[0], verbose=0)
    assert history["knn"] == [evaluation.knn(features, data[1], features, data[1], neighbors=5)]


def test_wrong_data_is_told_before_the_first_epoch(data):
    x, y = data
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    for train, test, match in [(x, (x, y), "`train` must be labelled"), ((x, y), x, "`test` must be labelled")]:
        with pytest.raises(ValueError, match=match):
            fit(make_model(), x, [count, KNNMonitor(train, test, neighbors=3)])
    assert not epochs


def test_bad_arguments(data):
    with pytest.raises(ValueError, match=r"`every` must be 1 or more. Received: every=0"):
        KNNMonitor(data, data, every=0)
    with pytest.raises(ValueError, match=r"`limit` must be at least `neighbors`, 20. Received: limit=10"):
        KNNMonitor(data, data, limit=10)
