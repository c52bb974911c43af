import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.layers import MemoryBank


def unit(rows):
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def everything(bank):
    return bank.lookup(np.arange(bank.examples)).numpy()


@pytest.mark.parametrize("graph", [False, True])
def test_mixes_by_the_momentum_and_leaves_the_others_alone(rng, graph):
    bank = MemoryBank(examples=6, dim=3, momentum=0.7)
    update = tf.function(bank.update) if graph else bank.update
    expected = everything(bank).astype("float64")
    for index in ([4, 1], [1, 5]):
        rows = 10 * rng.normal(size=(2, 3)).astype("float32")
        update(tf.constant(index), tf.constant(rows), tf.constant(True))
        for i, row in zip(index, rows, strict=True):
            expected[i] = unit(0.7 * expected[i] + 0.3 * unit(row))
    np.testing.assert_allclose(everything(bank), expected, atol=1e-6)


def test_untouched_rows_stay_the_same_to_the_bit(rng):
    bank = MemoryBank(examples=5, dim=2)
    before = everything(bank)
    bank.update(np.array([3]), rng.normal(size=(1, 2)), stepped=True)
    np.testing.assert_array_equal(np.delete(everything(bank), 3, axis=0), np.delete(before, 3, axis=0))
    assert not np.allclose(everything(bank)[3], before[3])


@pytest.mark.parametrize("stepped", [False, tf.constant(False)], ids=["bool", "tensor"])
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_stands_still_where_no_step_was_made(stepped, value):
    bank = MemoryBank(examples=4, dim=2)
    before = everything(bank)
    bank.update(np.array([0, 2]), np.full((2, 2), value, "float32"), stepped)
    np.testing.assert_array_equal(everything(bank), before)


def test_an_example_that_comes_twice_counts_by_the_mean_of_its_rows():
    bank = MemoryBank(examples=3, dim=2, momentum=0.0)
    bank.update(np.array([1, 1]), np.array([[5.0, 0.0], [0.0, 1.0]]), stepped=True)
    np.testing.assert_allclose(everything(bank)[1], [0.5**0.5, 0.5**0.5], atol=1e-6)


def test_random_directions_are_unit_vectors_from_the_seed():
    first, same, other = (everything(MemoryBank(examples=8, dim=4, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(first, same)
    assert not np.allclose(first, other)
    assert np.abs(first @ first.T - np.eye(8)).max() < 0.999  # no two alike


def test_lookup_takes_any_shape_and_gives_no_gradient():
    bank = MemoryBank(examples=5, dim=3)
    index = np.array([[4, 0], [2, 2]])
    np.testing.assert_array_equal(bank.lookup(index), everything(bank)[index])
    with tf.GradientTape() as tape:
        tape.watch(bank.features.value)
        rows = bank.lookup(index)
    assert tape.gradient(rows, bank.features.value) is None
    assert bank.trainable_variables == []


@pytest.mark.parametrize("wrong", [4, -1])
@pytest.mark.parametrize("graph", [False, True])
def test_numbers_outside_the_bank_are_found_out_before_anything_is_written(wrong, graph):
    bank = MemoryBank(examples=4, dim=2)
    before = everything(bank)
    update = tf.function(bank.update) if graph else bank.update
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`index` must be in \[0, 4\).*examples=4"):
        update(tf.constant([1, wrong]), tf.ones((2, 2)), tf.constant(True))
    np.testing.assert_array_equal(everything(bank), before)


def test_replicas_hold_the_rows_of_all(two_replicas, rng):
    rows, index = rng.normal(size=(4, 3)).astype("float32"), np.array([5, 0, 3, 2])
    with two_replicas.scope():
        bank = MemoryBank(examples=6, dim=3, momentum=0.0)

    def part(array):
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(array[2 * context.replica_id_in_sync_group :][:2])
        )

    @tf.function
    def update(index, rows):
        two_replicas.run(lambda i, r: bank.update(i, r, stepped=True), args=(index, rows))

    update(part(index), part(rows))
    first, second = (copy.numpy() for copy in two_replicas.experimental_local_results(bank.features.value))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first[index], unit(rows), atol=1e-6)


def test_comes_back_from_its_config_and_weights(rng):
    bank = MemoryBank(examples=4, dim=2, momentum=0.3, seed=3)
    bank.update(np.array([1, 2]), rng.normal(size=(2, 2)), stepped=True)
    revived = MemoryBank.from_config(bank.get_config())
    revived.set_weights(bank.get_weights())
    for one in (bank, revived):
        one.update(np.array([1, 3]), np.ones((2, 2)), stepped=True)
    np.testing.assert_array_equal(everything(bank), everything(revived))


def test_it_stays_float32_under_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    bank = MemoryBank(examples=4, dim=2)
    bank.update(np.array([1]), tf.constant([[3.0, 4.0]], "float16"), stepped=True)
    assert bank.lookup(np.array([1])).dtype == "float32"


def test_a_step_compiles_under_xla(rng):
    plain, compiled = MemoryBank(examples=6, dim=3), MemoryBank(examples=6, dim=3)
    index, rows = tf.constant([4, 1]), tf.constant(rng.normal(size=(2, 3)), "float32")
    plain.update(index, rows, True)
    tf.function(compiled.update, jit_compile=True)(index, rows, tf.constant(True))
    np.testing.assert_allclose(everything(plain), everything(compiled), atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"examples": 0}, "`examples` must be at least 1. Received: examples=0"),
        ({"dim": 0}, "`dim` must be at least 1. Received: dim=0"),
        ({"momentum": 1.0}, r"`momentum` must be in \[0, 1\). Received: momentum=1.0"),
    ],
)
def test_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        MemoryBank(**{"examples": 4, "dim": 2, **changed})


def test_numbers_may_be_of_any_integer_type():
    bank = MemoryBank(examples=300, dim=2, momentum=0.0)
    index = np.array([3, 200], "uint8")
    bank.update(index, np.array([[3.0, 0.0], [0.0, 2.0]]), stepped=True)
    np.testing.assert_array_equal(bank.lookup(index), [[1.0, 0.0], [0.0, 1.0]])
