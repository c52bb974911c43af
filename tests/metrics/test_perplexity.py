import keras
import numpy as np
import pytest

from keras_ssl import metrics


def test_is_that_of_all_tokens_not_the_mean_of_batches(rng):
    losses, weights = rng.uniform(1.0, 5.0, 40), rng.integers(1, 9, 40)
    meter = metrics.Perplexity()
    for loss, weight in zip(losses, weights, strict=True):
        meter.update_state(loss, sample_weight=weight)
    assert float(meter.result()) == pytest.approx(np.exp(np.average(losses, weights=weights)), rel=1e-5)
    assert float(meter.result()) < 0.95 * np.average(np.exp(losses), weights=weights)


def test_weighs_tokens_of_one_batch():
    meter = metrics.Perplexity()
    meter.update_state(np.log([[2.0, 8.0, 99.0]]), sample_weight=np.array([[1.0, 1.0, 0.0]]))
    assert float(meter.result()) == pytest.approx(4.0, rel=1e-5)
    meter.reset_state()
    assert float(meter.result()) == 1.0


def test_serializes():
    meter = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metrics.Perplexity(name="val")))
    assert type(meter) is metrics.Perplexity
    assert meter.name == "val"
