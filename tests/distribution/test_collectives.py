import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import distribution


def run_on_both(strategy, function, *arrays):
    """Runs `function` of each replica's half of the arrays in a graph: one NumPy result a replica."""
    halves = [
        strategy.experimental_distribute_values_from_function(
            lambda context, array=array: tf.split(tf.constant(array), 2)[context.replica_id_in_sync_group]
        )
        for array in arrays
    ]
    results = tf.function(lambda: strategy.run(function, args=tuple(halves)))()
    local = [strategy.experimental_local_results(leaf) for leaf in tf.nest.flatten(results)]
    by_replica = [tf.nest.pack_sequence_as(results, [leaf[replica] for leaf in local]) for replica in range(2)]
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), by_replica)


@pytest.fixture
def rows(rng):
    return rng.normal(size=(6, 2)).astype("float32")


def test_gather_joins_rows_in_the_order_of_the_batch(two_replicas, rows):
    for found in run_on_both(two_replicas, distribution.gather, rows):
        np.testing.assert_array_equal(found, rows)


def test_gather_sends_each_replica_the_gradients_of_its_own_rows(two_replicas, rows, rng):
    weights = rng.normal(size=(6, 2)).astype("float32")

    def gradient(part):
        with tf.GradientTape() as tape:
            tape.watch(part)
            loss = tf.reduce_sum(weights * distribution.gather(part) ** 2)
        return tape.gradient(loss, part)

    found = np.concatenate(run_on_both(two_replicas, gradient, rows))
    np.testing.assert_allclose(found, 2 * (2 * weights * rows), rtol=1e-6)  # both replicas' losses hold each row


def test_a_gathered_loss_over_the_replicas_has_the_gradient_of_one_batch(two_replicas, rows):
    def loss_of(mine, everyone):
        return tf.reduce_mean(tf.reduce_logsumexp(mine @ tf.transpose(everyone), axis=1))

    def gradient(part):
        with tf.GradientTape() as tape:
            tape.watch(part)
            loss = loss_of(part, distribution.gather(part)) / distribution.replica_count()
        return tape.gradient(loss, part)

    whole = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(whole)
        loss = loss_of(whole, whole)
    found = np.concatenate(run_on_both(two_replicas, gradient, rows))
    np.testing.assert_allclose(found, tape.gradient(loss, whole), atol=1e-6)


@pytest.mark.parametrize(("function", "scale"), [(distribution.global_sum, 1.0), (distribution.global_mean, 0.5)])
def test_sums_and_means_and_their_gradients(two_replicas, rows, function, scale):
    def value_and_gradient(part):
        with tf.GradientTape() as tape:
            tape.watch(part)
            value = function(part)
            loss = tf.reduce_sum(value**2)
        return value, tape.gradient(loss, part)

    expected = scale * (rows[:3] + rows[3:])
    for value, gradient in run_on_both(two_replicas, value_and_gradient, rows):
        np.testing.assert_allclose(value, expected, rtol=1e-6, atol=1e-7)
        # The sum of two equal losses, each with the gradient `2 * value * scale`.
        np.testing.assert_allclose(gradient, 2 * (2 * expected * scale), rtol=1e-5, atol=1e-6)


def test_many_means_by_one_exchange(two_replicas, rows):
    def means(part):
        return distribution.global_means([part, part[0, 0], 3.0 * part[:, 1]])

    whole = (rows[:3] + rows[3:]) / 2
    for found in run_on_both(two_replicas, means, rows):
        for value, expected in zip(found, (whole, whole[0, 0], 3.0 * whole[:, 1]), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-6)
    assert distribution.global_means([rows])[0] is rows


def test_each_replica_knows_its_place(two_replicas, rows):
    def place(part):
        return distribution.replica_index(), distribution.first_row(part), tf.constant(distribution.replica_count())

    found = run_on_both(two_replicas, place, rows)
    assert [[int(value) for value in values] for values in found] == [[0, 0, 2], [1, 3, 2]]
    assert found[1][0].dtype == np.int32


def test_a_lone_replica_is_the_whole(rows):
    assert distribution.replica_count() == 1
    assert distribution.replica_index() == 0
    assert distribution.first_row(rows) == 0
    for function in (distribution.gather, distribution.global_sum, distribution.global_mean):
        assert function(rows) is rows


def test_gather_keeps_the_shape_and_takes_the_gradient_of_picked_rows(two_replicas, rows):
    @tf.function
    def run():
        def each():
            x = tf.ones((3, 2))
            with tf.GradientTape() as tape:
                tape.watch(x)
                joined = distribution.gather(x)
                assert joined.shape == (6, 2)
                picked = tf.reduce_sum(tf.gather(joined, [0, 4]))
            return tape.gradient(picked, x)

        return two_replicas.run(each)

    first, second = (part.numpy() for part in two_replicas.experimental_local_results(run()))
    # Both replicas pick the same two rows, one of each.
    np.testing.assert_array_equal(first[:, 0], [2, 0, 0])
    np.testing.assert_array_equal(second[:, 0], [0, 2, 0])
