import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def oracle(labels, logits, weights, label_smoothing=0.0):
    """Mean, token by token, with the smoothed distribution written out."""
    total = 0.0
    weights = np.broadcast_to(weights, labels.shape)
    for place in np.ndindex(labels.shape):
        if not weights[place]:
            continue
        target = np.full(logits.shape[-1], label_smoothing / logits.shape[-1])
        target[labels[place]] += 1 - label_smoothing
        row = logits[place]
        total -= weights[place] * np.dot(target, row - np.log(np.sum(np.exp(row))))
    return total / weights.sum()


def mean(**arguments):
    total, weight = losses.token_cross_entropy(**arguments)
    return total / weight


@pytest.mark.parametrize("shape", [(3, 4), (6,), (2, 3, 2)])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_equals_the_formula(rng, shape, smoothing):
    arguments = {
        "labels": rng.integers(0, 5, shape),
        "logits": 3 * rng.normal(size=(*shape, 5)),
        "weights": np.arange(np.prod(shape)).reshape(shape) % 3,
        "label_smoothing": smoothing,
    }
    testing.run_loss_test(mean, oracle, arguments, tolerance=1e-4)


def test_the_pair_is_of_sums_in_float32(rng):
    labels, logits = rng.integers(0, 5, (2, 3)), rng.normal(size=(2, 3, 5)).astype("float32")
    weights = np.array([[True, False, True], [False, False, True]])
    total, weight = losses.token_cross_entropy(labels, tf.cast(logits, "float16"), weights)
    assert total.dtype == weight.dtype == tf.float32
    assert float(weight) == 3.0
    assert float(total) == pytest.approx(3 * oracle(labels, logits.astype("float64"), weights), rel=1e-3)


def test_weights_broadcast(rng):
    labels, logits = rng.integers(0, 5, (2, 3)), rng.normal(size=(2, 3, 5))
    _, weight = losses.token_cross_entropy(labels, logits, np.array([[1.0], [0.5]]))
    assert float(weight) == 4.5
    assert float(losses.token_cross_entropy(labels, logits, 1)[1]) == 6.0


def test_labels_without_weight_may_be_anything(rng):
    logits, weights = rng.normal(size=(1, 3, 5)), np.array([[1, 0, 0]])
    first, other = (losses.token_cross_entropy(np.array([[2, *rest]]), logits, weights) for rest in ([0, 0], [-1, 99]))
    assert np.isfinite(first[0])
    assert float(first[0]) == float(other[0])


def test_is_finite_where_softmax_underflows():
    total, _ = losses.token_cross_entropy(np.array([1]), np.array([[200.0, -200.0]], "float32"), np.ones(1))
    assert float(total) == pytest.approx(400.0)


def test_refuses():
    with pytest.raises(ValueError, match=r"`logits` must have.*logits.shape=\(2, 3\)"):
        losses.token_cross_entropy(np.zeros((2, 3), int), np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match="label_smoothing=1"):
        losses.token_cross_entropy(np.zeros((2,), int), np.zeros((2, 3)), 1, label_smoothing=1)
