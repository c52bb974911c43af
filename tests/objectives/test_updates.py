import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.objectives import updates


@pytest.mark.parametrize(
    ("clipping", "expected"),
    [
        ({"clipnorm": 1.0}, np.array([1.0, 4.0]) / 17**0.5),
        ({"global_clipnorm": 1.0}, np.array([1.0, 4.0]) / 17**0.5),
        ({"clipvalue": 2.0}, [1.0, 2.0]),
        ({}, [1.0, 4.0]),
    ],
)
@pytest.mark.parametrize("scales_loss", [False, True])
def test_gradients_are_clipped_after_those_of_all_replicas_are_added_up(two_replicas, clipping, expected, scales_loss):
    gradients = tf.constant([[3.0, 0.0], [-2.0, 4.0]])
    with two_replicas.scope():
        weight = keras.Variable([0.0, 0.0])
        optimizer = keras.optimizers.SGD(1.0, **clipping)
        if scales_loss:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
        optimizer.build([weight])

    @tf.function
    def step():
        def on_replica():
            mine = gradients[tf.distribute.get_replica_context().replica_id_in_sync_group]
            updates.apply_where(tf.constant(True), optimizer, [mine], [weight])

        two_replicas.run(on_replica)

    step()
    for copy in two_replicas.experimental_local_results(weight.value):
        np.testing.assert_allclose(copy, -np.asarray(expected), atol=1e-6)
