import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def sinkhorn_oracle(scores, epsilon, iterations):
    """The listing of the paper's appendix."""
    Q = np.exp(scores / epsilon).T
    Q /= Q.sum()
    K, B = Q.shape
    for _ in range(iterations):
        Q *= ((1 / K) / Q.sum(axis=1))[:, None]
        Q *= ((1 / B) / Q.sum(axis=0))[None, :]
    return (Q / Q.sum(axis=0, keepdims=True)).T


def swav_oracle(high, low, temperature, epsilon, iterations):
    """The loop of the paper's code, row by row."""
    views, total = [*high, *low], 0.0
    for i in range(len(high)):
        q = sinkhorn_oracle(high[i], epsilon, iterations)
        part = 0.0
        for v in range(len(views)):
            if v != i:
                for row in range(len(q)):
                    p = np.exp(views[v][row] / temperature)
                    part -= np.dot(q[row], np.log(p / p.sum())) / len(q)
        total += part / (len(views) - 1)
    return total / len(high)


def loss_of_three(a, b, c, **keywords):
    return losses.swav([a, b], [c], **keywords)


def oracle_of_three(a, b, c, temperature=0.1, epsilon=0.05, iterations=3):
    return swav_oracle([a, b], [c], temperature, epsilon, iterations)


@pytest.mark.parametrize("keywords", [{}, {"temperature": 0.5, "epsilon": 0.2, "iterations": 5}])
def test_equals_the_formula(rng, keywords):
    arguments = {name: np.tanh(rng.normal(size=(6, 5))) for name in "abc"}
    testing.run_loss_test(loss_of_three, oracle_of_three, {**arguments, **keywords}, symmetric=("a", "b"))


def test_of_indistinguishable_rows_is_the_log_of_the_prototypes():
    scores = np.ones((4, 7), "float32")
    assert float(losses.swav([scores, scores], [scores])) == pytest.approx(np.log(7), abs=1e-5)


def test_small_views_predict_but_are_not_assigned(rng):
    scores = [tf.constant(rng.normal(size=(4, 3)), "float32") for _ in range(3)]
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = losses.swav(scores[:1], scores[1:])
    gradients = tape.gradient(loss, scores)
    assert gradients[0] is None  # only assigned: nobody but itself is left to predict from it
    assert all(np.abs(gradient).max() > 0 for gradient in gradients[1:])


def test_the_queue_changes_the_assignments_of_its_view(rng):
    first, second, queue = (np.tanh(rng.normal(size=(rows, 3))).astype("float32") for rows in (4, 4, 9))
    queued = float(losses.swav([first, second], [], queue_scores=[queue, queue]))
    assignments = [losses.sinkhorn(scores, queue=queue) for scores in (first, second)]
    expected = (
        losses.cross_entropy(assignments[0], second / 0.1) + losses.cross_entropy(assignments[1], first / 0.1)
    ) / 2
    assert queued == pytest.approx(float(expected), rel=1e-6)
    assert abs(queued - float(losses.swav([first, second], []))) > 1e-3


ONES = np.ones((2, 3), "float32")


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        (([ONES, ONES], []), {"temperature": 0}, "`temperature` must be positive. Received: temperature=0"),
        (([ONES], []), {}, "Received: 1 large and 0 small views"),
        (([], [ONES, ONES]), {}, "Received: 0 large and 2 small views"),
        (([ONES, ONES], []), {"queue_scores": [ONES]}, "one queue for each of the 2 large views. Received: 1 queues"),
        (([ONES, ONES], []), {"epsilon": -1.0}, "`epsilon` must be positive. Received: epsilon=-1.0"),
    ],
)
def test_refuses(arguments, keywords, message):
    with pytest.raises(ValueError, match=message):
        losses.swav(*arguments, **keywords)
