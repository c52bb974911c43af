import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import distribution, objectives
from keras_ssl.objectives import base
from keras_ssl.objectives.gradient_cache import cached

WIDTH = 6


def kept(function, inputs, variables, size, width):
    """What `cached` computes, micro-batch after micro-batch with the same masks, and every activation kept."""
    seeds = [variable for variable in variables if distribution.is_seed_state(variable)]
    start = [tf.identity(seed.value) for seed in seeds]

    def place(number):
        for seed, state in zip(seeds, start, strict=True):
            seed.assign(state + tf.constant([number, 0], "int64"))

    made = []
    count = keras.tree.flatten(inputs)[0].shape[0] // size
    for number in range(count):
        place(number)
        rows = slice(number * size, (number + 1) * size)
        part = keras.tree.map_structure(lambda one, rows=rows: one[rows], inputs)
        made.append(ops.cast(function(part), "float32"))
    place(count)
    return tf.concat(made, axis=0)


def encoder_of_tokens(dropout, **options):
    tokens = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(20, 8, embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0))(tokens)
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dense(WIDTH, activation="tanh", **options)(x)
    return keras.Model(tokens, keras.layers.Dropout(dropout)(x))


@pytest.fixture
def ids(rng):
    return tf.constant(rng.integers(0, 20, (12, 5)), "int32")


def gradients_of(compute, encoder, ids, size=4, signature=None):
    """Loss over all rows, and its gradients, by a compiled function."""
    signature = signature or tf.TensorSpec(ids.shape, ids.dtype)

    @tf.function(input_signature=[signature])
    def step(ids):
        with tf.GradientTape() as tape:
            found = compute(lambda x: encoder(x, training=True), ids, encoder.variables, size, WIDTH)
            z = tf.math.l2_normalize(found, axis=-1)
            loss = tf.reduce_mean(tf.reduce_logsumexp(tf.matmul(z, z, transpose_b=True) / 0.5, axis=1))
        return found, loss, [tf.convert_to_tensor(one) for one in tape.gradient(loss, encoder.trainable_variables)]

    return step(ids)


def assert_close(found, wanted, tolerance=1e-5):
    for one, other in zip(keras.tree.flatten(found), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_gradients_are_those_of_the_whole_batch(ids):
    encoder = encoder_of_tokens(dropout=0.0)
    whole = gradients_of(lambda function, inputs, *_: function(inputs), encoder, ids)
    assert np.abs(whole[2][0]).max() > 0.01
    for size in (1, 4, 12):
        assert_close(gradients_of(cached, encoder, ids, size), whole)


def test_gradients_are_right_with_dropout_too(ids):
    encoder = encoder_of_tokens(dropout=0.4)
    start = [variable.numpy() for variable in encoder.variables]
    found = gradients_of(cached, encoder, ids)
    moved = [variable.numpy() for variable in encoder.variables]
    for variable, value in zip(encoder.variables, start, strict=True):
        variable.assign(value)
    wanted = gradients_of(kept, encoder, ids)
    assert np.abs(wanted[2][0]).max() > 0.01
    assert_close(found, wanted)
    assert_close(moved, [variable.numpy() for variable in encoder.variables])


def test_every_micro_batch_and_every_call_draws_masks_of_its_own():
    encoder = encoder_of_tokens(dropout=0.4)
    same = tf.ones((4, 50), "int32")
    found = [cached(lambda x: encoder(x, training=True), same, encoder.variables, 2, WIDTH) for _ in range(2)]
    parts = [np.asarray(one)[rows : rows + 2] for one in found for rows in (0, 2)]
    for number, one in enumerate(parts):
        assert not any(np.array_equal(one, other) for other in parts[number + 1 :])


def test_rows_and_lengths_may_be_known_only_when_run(ids):
    encoder = encoder_of_tokens(dropout=0.0)
    unknown = tf.TensorSpec((None, None), "int32")
    assert_close(gradients_of(cached, encoder, ids, 3, unknown), gradients_of(cached, encoder, ids, 4))
    with pytest.raises(tf.errors.InvalidArgumentError, match="`size` must divide the rows. Received: size=5"):
        gradients_of(cached, encoder, ids, 5, unknown)


def test_structures_of_inputs_are_cut_alike(rng):
    first, second = keras.Input((3,), name="a"), keras.Input((2, 2), name="b")
    joined = keras.layers.Concatenate()([first, keras.layers.Flatten()(second)])
    encoder = keras.Model({"a": first, "b": second}, keras.layers.Dense(WIDTH)(joined))
    x = {"a": tf.constant(rng.normal(size=(6, 3)), "float32"), "b": tf.constant(rng.normal(size=(6, 2, 2)), "float32")}
    assert_close(cached(encoder, x, encoder.variables, 2, WIDTH), encoder(x))


def test_frozen_weights_are_used_and_get_no_gradient(ids):
    encoder = encoder_of_tokens(dropout=0.0)
    encoder.layers[1].trainable = False
    found, _, gradients = gradients_of(cached, encoder, ids)
    assert_close(found, encoder(ids))
    assert [tuple(one.shape) for one in gradients] == [(8, WIDTH), (WIDTH,)]


def test_no_activation_is_kept_for_the_gradient(ids):
    """The loop forward gives no more than it would without a gradient: what a gradient needs would be added."""
    encoder = encoder_of_tokens(dropout=0.4)

    def outputs(take_gradient):
        @tf.function
        def step():
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(cached(lambda x: encoder(x, training=True), ids, encoder.variables, 4, WIDTH))
            return tape.gradient(loss, encoder.trainable_variables) if take_gradient else loss

        loops = [one for one in step.get_concrete_function().graph.get_operations() if one.type.endswith("While")]
        assert len(loops) == 1 + take_gradient
        return len(loops[0].outputs)

    assert outputs(take_gradient=True) == outputs(take_gradient=False)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.BatchNormalization(), "must move no variable.*Received: .*moving_mean' moved"),
        (keras.layers.Dense(WIDTH, activity_regularizer="l2"), "add no loss.*Received: a loss of a layer"),
    ],
)
def test_refuses_functions_that_do_more_than_compute(layer, message):
    encoder = keras.Sequential([keras.Input((WIDTH,)), layer])
    with pytest.raises(ValueError, match=message):
        cached(lambda x: encoder(x, training=True), tf.ones((4, WIDTH)), encoder.variables, 2, WIDTH)


def test_refuses_a_size_that_does_not_divide(ids):
    with pytest.raises(ValueError, match="`size` must divide the rows. Received: size=5 for 12 rows"):
        cached(encoder_of_tokens(0.0), ids, [], 5, WIDTH)


# In objectives.


@keras.saving.register_keras_serializable("tests")
def two_noisy(x, rng):
    return tuple(x + 0.1 * rng.normal(name, (5,)) for name in ("a", "b"))


def small_simclr():
    """No statistics in the encoder, batch statistics in the head."""
    keras.utils.set_random_seed(1)
    encoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(WIDTH)])
    return objectives.SimCLR(encoder, (8, 4), temperature=0.5, augment=two_noisy, seed=3)


def trained(model, x, size, **options):
    model.compile(keras.optimizers.SGD(0.1), gradient_cache_size=size)
    history = model.fit(x, batch_size=8, epochs=2, shuffle=False, verbose=0, **options).history
    return history, [variable.numpy() for variable in model.variables]


def test_heads_see_the_whole_batch(rng):
    x = rng.normal(size=(16, 5)).astype("float32")
    plain, in_parts = (trained(small_simclr(), x, size) for size in (None, 4))
    assert_close(in_parts, plain)


def small_sim_cse(wide_bert, table, dropout=0.0):
    keras.utils.set_random_seed(1)
    return objectives.SimCSE(wide_bert(dropout=dropout), tokens=table, seed=3)


def test_pairs_of_texts_train_as_by_the_whole_batch(wide_bert, table, sentences):
    x = {"views": (sentences[:16], sentences[16:, :9])}
    plain, in_parts = (trained(small_sim_cse(wide_bert, table), x, size) for size in (None, 2))
    assert_close(in_parts, plain)


@pytest.mark.gate
def test_texts_train_right_with_dropout(wide_bert, table, sentences, monkeypatch):
    data = tf.data.Dataset.from_tensor_slices(sentences).batch(8, drop_remainder=True)
    found = []
    for compute in (cached, kept):
        monkeypatch.setattr(base, "cached", compute)
        model = small_sim_cse(wide_bert, table, dropout=0.1)
        model.compile(keras.optimizers.SGD(0.03), gradient_cache_size=2)
        history = model.fit(data, verbose=0).history
        found.append((history, [variable.numpy() for variable in model.variables]))
    assert_close(*found)


@pytest.mark.gate
def test_two_replicas_are_one_batch(wide_bert, table, sentences, two_replicas):
    data = tf.data.Dataset.from_tensor_slices({"views": (sentences[:16], sentences[16:])}).batch(8, drop_remainder=True)

    def compiled(dropout=0.0):
        model = small_sim_cse(wide_bert, table, dropout)
        model.compile(keras.optimizers.SGD(0.01), gradient_cache_size=2)
        return model

    single = compiled()
    with two_replicas.scope():
        several, with_dropout = compiled(), compiled(dropout=0.1)
    assert np.isfinite(with_dropout.fit(data, verbose=0).history["loss"]).all()
    logged = [model.fit(data, verbose=0).history for model in (single, several)]
    assert_close(*logged)
    for one, other in zip(single.trainable_variables, several.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(wide_bert, table, sentences, policy):
    keras.config.set_dtype_policy(policy)
    model = small_sim_cse(wide_bert, table, dropout=0.1)
    start = [variable.numpy() for variable in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.1), gradient_cache_size=4)
    history = model.fit(sentences, batch_size=8, epochs=3, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert int(model.optimizer_steps()) > 0
    moved = [not np.array_equal(a, b.numpy()) for a, b in zip(start, model.trainable_variables, strict=True)]
    assert all(moved)


@pytest.mark.gate
def test_the_size_is_saved(tmp_path, wide_bert, table, sentences):
    model = small_sim_cse(wide_bert, table, dropout=0.1)
    model.compile(gradient_cache_size=4)
    model.fit(sentences, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.gradient_cache_size == 4
    first, second = (one.fit(sentences, batch_size=8, verbose=0).history for one in (model, again))
    assert first == second


def test_evaluate_takes_any_batch(wide_bert, table, sentences):
    found = []
    for size in (None, 4):
        model = small_sim_cse(wide_bert, table, dropout=0.1)
        model.compile("sgd", gradient_cache_size=size)
        found.append(model.evaluate(sentences[:10], batch_size=5, verbose=0, return_dict=True))
    assert found[0] == found[1]


def test_refuses_batches_that_cannot_be_cut(wide_bert, table, sentences):
    model = small_sim_cse(wide_bert, table, dropout=0.1)
    model.compile("sgd", gradient_cache_size=3)
    with pytest.raises(ValueError, match="`gradient_cache_size` must divide.*Received: .*=3 for a batch of 8 rows"):
        model.fit(sentences, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match="Received: gradient_cache_size=3 for a batch of 5 rows"):
        model.fit(sentences, batch_size=9, verbose=0)


@pytest.mark.parametrize("size", [0, 2.0, True])
def test_refuses_sizes(wide_bert, table, size):
    with pytest.raises(ValueError, match=f"`gradient_cache_size` must be a positive int. Received: .*={size}"):
        small_sim_cse(wide_bert, table).compile("sgd", gradient_cache_size=size)


def test_refuses_batch_normalisation_in_the_encoder():
    encoder = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), keras.layers.BatchNormalization()])
    model = objectives.SimCLR(encoder, augment=two_noisy)
    with pytest.raises(ValueError, match="must be None for an encoder with batch normalisation.*moving_mean"):
        model.compile(gradient_cache_size=4)


def test_refuses_objectives_that_do_not_learn_from_features(wide_bert, table, sentences):
    model = objectives.MaskedLM(wide_bert(), tokens=table)
    model.compile("sgd", gradient_cache_size=4)
    with pytest.raises(ValueError, match="`gradient_cache_size` must be None for MaskedLM"):
        model.fit(sentences, batch_size=8, verbose=0)


@pytest.mark.gate
def test_compiles_under_xla(wide_bert, table, sentences):
    found = []
    for jit_compile in (False, True):
        # Without dropout: under XLA TensorFlow draws other numbers.
        model = small_sim_cse(wide_bert, table, dropout=0.0)
        model.compile(keras.optimizers.SGD(0.1), gradient_cache_size=4, jit_compile=jit_compile)
        pairs = {"views": (sentences, np.roll(sentences, 1, axis=1))}
        data = tf.data.Dataset.from_tensor_slices(pairs).batch(8, drop_remainder=True)
        found.append(model.fit(data, verbose=0).history)
    assert_close(found[0], found[1], 1e-3)
