import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import metrics


@pytest.mark.parametrize("kind", ["bool", "int32", "float32"])
def test_counts_weighted_tokens(rng, kind):
    labels, logits = rng.integers(0, 3, (20, 7)), rng.normal(size=(20, 7, 3))
    weights = rng.integers(0, 2, (20, 7)).astype(kind)
    right, weight = metrics.token_accuracy(labels, logits, weights)
    assert right.dtype == weight.dtype == tf.float32
    assert float(weight) == np.sum(weights)
    chosen = weights.astype(bool)
    assert float(right / weight) == pytest.approx(np.mean(logits.argmax(axis=-1)[chosen] == labels[chosen]))


def test_weights_broadcast():
    logits = np.array([[[1.0, 0.0]] * 3] * 2)
    right, weight = metrics.token_accuracy(np.zeros((2, 3), "int64"), logits, np.array([[0.5], [2.0]]))
    assert (float(right), float(weight)) == (7.5, 7.5)
