import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses


def sinkhorn_oracle(scores, epsilon=0.05, iterations=3):
    """The paper's listing with both marginals, entry by entry in float64."""
    rows, prototypes = scores.shape
    Q = np.exp(scores.astype("float64") / epsilon)
    Q /= Q.sum()
    for _ in range(iterations):
        for k in range(prototypes):
            Q[:, k] *= (1 / prototypes) / sum(Q[i, k] for i in range(rows))
        for i in range(rows):
            Q[i] *= (1 / rows) / sum(Q[i])
    return Q * rows


def unit_scores(rng, rows, prototypes):
    return (2 * rng.random((rows, prototypes)) - 1).astype("float32")


@pytest.mark.parametrize(("epsilon", "iterations"), [(0.05, 3), (0.05, 1), (0.5, 20)])
def test_equals_the_formula(rng, epsilon, iterations):
    scores = unit_scores(rng, 6, 4)
    expected = sinkhorn_oracle(scores, epsilon, iterations)
    np.testing.assert_allclose(losses.sinkhorn(scores, epsilon, iterations), expected, rtol=2e-5, atol=1e-7)


def test_after_many_iterations_prototypes_share_the_rows_equally(rng):
    assignments = np.asarray(losses.sinkhorn(unit_scores(rng, 12, 4), epsilon=0.3, iterations=200))
    np.testing.assert_allclose(assignments.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(assignments.sum(axis=0), 3.0, atol=1e-4)


def test_rows_that_cannot_be_told_apart_are_spread_evenly():
    np.testing.assert_allclose(losses.sinkhorn(np.ones((5, 4), "float32")), 0.25, atol=1e-6)


def test_the_queue_is_balanced_along_and_left_out_at_weight_0(rng):
    scores, queue = unit_scores(rng, 4, 3), unit_scores(rng, 7, 3)
    both = sinkhorn_oracle(np.concatenate([scores, queue]))[:4]
    np.testing.assert_allclose(losses.sinkhorn(scores, queue=queue), both, rtol=2e-5, atol=1e-7)
    alone = losses.sinkhorn(scores)
    np.testing.assert_allclose(losses.sinkhorn(scores, queue=queue, queue_weight=0.0), alone, rtol=1e-6, atol=1e-9)
    assert np.abs(np.asarray(alone) - both).max() > 0.01


@pytest.mark.parametrize("scale", [1e3, 1e-3])
def test_is_finite_whatever_the_scale(rng, scale):
    """Where whole rows underflow beside the largest score, too."""
    assignments = np.asarray(losses.sinkhorn(scale * rng.normal(size=(6, 4)).astype("float32"), epsilon=0.01))
    assert np.isfinite(assignments).all()
    np.testing.assert_allclose(assignments.sum(axis=1), 1.0, atol=1e-5)


def test_is_float32_and_stops_the_gradient(rng):
    scores = tf.Variable(unit_scores(rng, 4, 3))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(losses.sinkhorn(tf.cast(scores, "float16")) ** 2)
    assert total.dtype == "float32"
    assert tape.gradient(total, scores) is None


@pytest.mark.parametrize("larger_first", [True, False])
def test_two_replicas_equal_one_batch(rng, two_replicas, larger_first):
    """The largest score lies on one replica only, and the queue counts once."""
    scores, queue = 2 * unit_scores(rng, 8, 3), unit_scores(rng, 5, 3)
    scores[0 if larger_first else -1] *= 4.0

    def replica_fn(mine):
        return losses.sinkhorn(mine, queue=tf.constant(queue)), losses.sinkhorn(mine)

    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(np.split(scores, 2)[context.replica_id_in_sync_group])
    )
    for result, whole in zip(
        tf.function(lambda: two_replicas.run(replica_fn, args=(parts,)))(),
        (losses.sinkhorn(scores, queue=queue), losses.sinkhorn(scores)),
        strict=True,
    ):
        joined = np.concatenate(two_replicas.experimental_local_results(result))
        np.testing.assert_allclose(joined, whole, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": 0.0}, "`epsilon` must be positive. Received: epsilon=0.0"),
        ({"iterations": 0}, "`iterations` must be an int, 1 or more. Received: iterations=0"),
        ({"scores": np.ones(3)}, r"`scores` must have the shape \(batch, prototypes\). Received: shape \(3,\)"),
        ({"queue": np.ones((2, 4))}, r"`queue` must have the shape \(queued, 3\). Received: shape \(2, 4\)"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        losses.sinkhorn(**{"scores": np.ones((2, 3)), **arguments})
