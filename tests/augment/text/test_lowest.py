import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text.token_mask import lowest, ranks


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_lowest_are_those_of_the_first_ranks_also_among_equals(rng, jit_compile):
    values = rng.integers(0, 6, (200, 20)).astype("float32")
    count = rng.integers(0, 8, 200).astype("int32")
    found = tf.function(lambda values, count: lowest(values, count, 7), jit_compile=jit_compile)(values, count)
    np.testing.assert_array_equal(found, ranks(tf.constant(values)) < count[:, None])
    np.testing.assert_array_equal(found.numpy().sum(axis=1), count)
