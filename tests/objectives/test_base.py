"""What the base promises to every user of `fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import data, losses, objectives
from keras_ssl.random import RowDraws


@keras.saving.register_keras_serializable("keras_ssl_tests")
class Denoising(objectives.SelfSupervisedModel):
    terms = ("distance",)

    def views(self, batch, rng, training):
        if "views" in batch:
            return tuple(batch["views"])
        noise = rng.normal("noise", shape=tuple(batch["x"].shape[1:]))
        return batch["x"], tf.cast(batch["x"], "float32") + 0.1 * noise

    def forward(self, views, training):
        clean, noisy = (self.encode(view, training) for view in views)
        return {"z": clean, "noisy": noisy}

    def objective(self, outputs):
        return {"distance": losses.negative_cosine(outputs["noisy"], outputs["z"])}


def encoder(*extra):
    return keras.Sequential([keras.Input((6,)), *extra, keras.layers.Dense(4)])


@pytest.fixture
def rows(rng):
    return rng.normal(size=(24, 6)).astype("float32")


def fitted(x, y=None, **kwargs):
    model = Denoising(encoder())
    model.compile("sgd")
    history = model.fit(x, y, verbose=0, **kwargs).history
    return model, history


class Sequence(keras.utils.PyDataset):
    def __init__(self, rows):
        super().__init__()
        self.rows = rows

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.rows[8 * index : 8 * index + 8]


KINDS = {
    "array": lambda rows: ((rows,), {"batch_size": 8}),
    "array and labels": lambda rows: ((rows, np.arange(24)), {"batch_size": 8}),
    "dict": lambda rows: (({"x": rows, "y": np.arange(24)},), {"batch_size": 8}),
    "given views": lambda rows: (({"views": (rows, rows + 1)},), {"batch_size": 8}),
    "dataset": lambda rows: ((tf.data.Dataset.from_tensor_slices(rows).batch(8),), {}),
    "dataset of pairs": lambda rows: ((tf.data.Dataset.from_tensor_slices((rows, rows[:, 0])).batch(8),), {}),
    "endless dataset": lambda rows: (
        (tf.data.Dataset.from_tensor_slices({"x": rows}).repeat().batch(8),),
        {"steps_per_epoch": 3},
    ),
    "PyDataset": lambda rows: ((Sequence(rows),), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fit_takes(kind, rows):
    arguments, keywords = KINDS[kind](rows)
    model, history = fitted(*arguments, **keywords)
    assert set(history) == {"loss", "embedding_std"}
    assert int(model.clock.batches_seen.numpy()) == 3
    assert int(model.clock.total_steps.numpy()) == 3
    assert int(model.clock.global_batch_size.numpy()) == 8


def test_fit_takes_a_source_and_goes_on_where_it_was():
    source = data.load((np.arange(24 * 16, dtype="uint8").reshape(24, 4, 4, 1), np.arange(24)))
    pixels = keras.Input((4, 4, 1))
    seen = []

    class Watching(Denoising):
        def views(self, batch, rng, training):
            seen.append(batch)
            return super().views(batch, rng, training)

    model = Watching(keras.Model(pixels, keras.layers.Dense(3)(keras.layers.Flatten()(pixels))), seed=4)
    model.compile("sgd", run_eagerly=True)
    model.fit(source, batch_size=8, epochs=2, verbose=0)
    model.fit(source, batch_size=8, epochs=1, verbose=0)
    expected = [batch["index"].numpy().tolist() for batch in source.batches(8, seed=4).take(9)]
    assert [batch["index"].numpy().tolist() for batch in seen] == expected
    assert all("y" in batch for batch in seen)


def test_fit_without_compile_takes_the_default_optimizer(rows):
    model = Denoising(encoder())
    model.fit(rows, batch_size=8, verbose=0)
    assert type(model.optimizer) is keras.optimizers.AdamW


def test_validation_repeats_and_can_stop_training(rows):
    model = Denoising(encoder())
    model.compile(keras.optimizers.SGD(0.0))
    stop = keras.callbacks.EarlyStopping("val_loss", patience=1)
    history = model.fit(rows, batch_size=8, epochs=5, validation_data=rows[:8], callbacks=[stop], verbose=0).history
    assert history["val_loss"][0] == history["val_loss"][1]
    assert len(history["val_loss"]) == 2


def test_validation_and_evaluation_take_a_source():
    source = data.load(np.arange(24 * 16, dtype="uint8").reshape(24, 4, 4, 1))
    pixels = keras.Input((4, 4, 1))
    model = Denoising(keras.Model(pixels, keras.layers.Dense(3)(keras.layers.Flatten()(pixels))))
    model.compile(keras.optimizers.SGD(0.0))
    history = model.fit(source, batch_size=8, validation_data=source, verbose=0).history
    assert model.evaluate(source, batch_size=8, verbose=0, return_dict=True)["loss"] == history["val_loss"][0]


def test_the_loss_does_not_depend_on_how_the_batch_is_cut_into_replicas(rows):
    """Noise is drawn for rows of the global batch."""
    model = Denoising(encoder(), seed=9)
    whole = model.views({"x": tf.constant(rows[:8])}, RowDraws(9, 0, 8).child("train"), True)[1]
    half = model.views({"x": tf.constant(rows[4:8])}, RowDraws(9, 0, 4, replica=1).child("train"), True)[1]
    np.testing.assert_allclose(whole[4:], half, atol=1e-6)


def test_dropout_differs_between_steps_and_repeats_with_the_seed(rows):
    def masks(seed):
        model = Denoising(encoder(keras.layers.Dropout(0.5)), seed=seed)
        model.compile(keras.optimizers.SGD(0.0))
        return [model.fit(rows[:8], batch_size=8, verbose=0).history["embedding_std"][0] for _ in range(2)]

    keras.utils.set_random_seed(0)
    first = masks(1)
    keras.utils.set_random_seed(0)
    assert masks(1) == first
    assert first[0] != first[1]


@pytest.mark.gate
def test_dropout_differs_between_replicas(rows, two_replicas):
    with two_replicas.scope():
        model = Denoising(encoder(keras.layers.Dropout(0.5)))
        model.compile(keras.optimizers.SGD(0.0))
    model.fit(rows, batch_size=8, verbose=0)
    state = next(variable for variable in model.variables if variable.name == "seed_generator_state")
    first, second = two_replicas.experimental_local_results(state.value)
    assert not np.array_equal(first, second)


def test_what_layers_add_to_the_loss_counts_once_for_each_call(rows):
    regularized = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(
                4,
                kernel_regularizer=keras.regularizers.L2(0.1),
                activity_regularizer=keras.regularizers.L2(0.01),
            ),
        ]
    )
    model = Denoising(regularized)
    model.compile(keras.optimizers.SGD(0.0))
    logged = model.evaluate(rows[:8], batch_size=8, verbose=0, return_dict=True)["loss"]
    clean, noisy = model.views({"x": tf.constant(rows[:8])}, RowDraws(0, 0, 8).child("test"), False)
    features = [regularized(view) for view in (clean, noisy)]
    expected = float(losses.negative_cosine(features[1], features[0]))
    expected += 0.1 * float(tf.reduce_sum(regularized.layers[0].kernel ** 2))
    expected += sum(0.01 * float(tf.reduce_sum(one**2)) / 8 for one in features)
    assert logged == pytest.approx(expected, rel=1e-4)


def test_a_dict_is_cut_to_what_the_encoder_takes(rng):
    first, second = keras.Input((3,), name="tokens"), keras.Input((3,), name="weights")
    model = Denoising(keras.Model({"tokens": first, "weights": second}, keras.layers.Dense(2)(first - 2 * second)))
    x = {name: rng.normal(size=(4, 3)).astype("float32") for name in ("tokens", "weights", "another", "x_extra")}
    expected = model.encoder({"tokens": x["tokens"], "weights": x["weights"]})
    np.testing.assert_array_equal(model(x), expected)
    with pytest.raises(ValueError, match=r"lacks inputs of the encoder: \['weights'\].*Received: keys \['tokens'\]"):
        model({"tokens": x["tokens"]})


def test_features_are_picked_by_key(rows):
    inputs = keras.Input((6,))
    two = keras.Model(inputs, {0: keras.layers.Dense(3)(inputs), 1: keras.layers.Dense(5)(inputs)})
    assert Denoising(two, feature_key=0).feature_dim == 3
    assert Denoising(two, feature_key=1).feature_dim == 5
    model = Denoising(two, feature_key=0)
    model.compile("sgd")
    model.fit(rows, batch_size=8, verbose=0)


class Recurrent(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Denoising(keras.Sequential([keras.layers.Dense(3)])), "`encoder` must be a built.*keras.Input"),
        (lambda: Denoising(Recurrent()), "`encoder` must be a built Functional or Sequential model"),
        (lambda: Denoising("resnet"), "`encoder` must be a built.*Received: encoder='resnet'"),
        (
            lambda: Denoising(keras.Sequential([keras.Input((4, 6)), keras.layers.Dense(3)])),
            r"must give features of shape \(batch, features\).*backbones.pool.*\(None, 4, 3\)",
        ),
    ],
)
def test_refuses_an_encoder(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "mse"}, "`loss` cannot be given: the objective brings its own.*Received: loss='mse'"),
        ({"metrics": ["mse"]}, "`metrics` cannot be given"),
    ],
)
def test_compile_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        Denoising(encoder()).compile("sgd", **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps_per_execution": 2}, "`steps_per_execution` cannot be used with several replicas on a CPU"),
        ({"jit_compile": True}, "`jit_compile` cannot be used with several replicas on a CPU"),
        (
            {"optimizer": lambda: keras.optimizers.SGD(gradient_accumulation_steps=2)},
            "`gradient_accumulation_steps` cannot be used with several replicas on a CPU",
        ),
    ],
)
def test_compile_refuses_what_tensorflow_cannot_do_on_cpu_replicas(arguments, message, two_replicas):
    with two_replicas.scope():
        model = Denoising(encoder())
        arguments = {name: value() if callable(value) else value for name, value in arguments.items()}
        with pytest.raises(ValueError, match=message):
            model.compile(**{"optimizer": "sgd", **arguments})


def test_fit_refuses_a_batch_that_replicas_cannot_share(rows, two_replicas):
    with two_replicas.scope():
        model = Denoising(encoder())
        model.compile("sgd")
    with pytest.raises(ValueError, match="must be a multiple of their number, 2. Received: batch_size=7"):
        model.fit(rows[:21], batch_size=7, verbose=0)
    with pytest.raises(ValueError, match="must leave no last batch of 1 rows"):
        model.fit(rows[:9], batch_size=8, verbose=0)


def test_fit_refuses_generators_and_batch_sizes_of_datasets(rows):
    model = Denoising(encoder())
    model.compile("sgd")
    with pytest.raises(ValueError, match="a generator cannot be planned or resumed.*Received: x of type generator"):
        model.fit((row for row in rows), verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be None for a tf.data.Dataset"):
        model.fit(tf.data.Dataset.from_tensor_slices(rows).batch(8), batch_size=8, verbose=0)


def test_nan_in_arrays_is_named_before_training(rows):
    rows[[3, 7], 2] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in 2 of 24 rows, the first at 3"):
        fitted(rows, batch_size=8)


def test_a_diverging_loss_ends_training_with_the_last_good_weights(rows):
    model = Denoising(encoder())
    model.compile(keras.optimizers.SGD(0.1))
    bad = np.concatenate([rows, np.full_like(rows, np.inf)])
    seen = []
    at_end = keras.callbacks.LambdaCallback(on_train_end=lambda logs: seen.append("end"))
    with pytest.raises(
        FloatingPointError, match="Denoising became NaN or infinite.*the weights are the last good ones"
    ):
        model.fit(tf.data.Dataset.from_tensor_slices(bad).batch(8), epochs=9, callbacks=[at_end], verbose=0)
    assert seen == ["end"]
    assert int(model.optimizer_steps()) == 3
    assert model.failed_steps() == 3
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_xla_takes_the_same_steps(rows):
    weights = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(2)
        model = Denoising(encoder())
        model.compile(keras.optimizers.SGD(0.1), jit_compile=jit_compile)
        model.fit(rows, batch_size=8, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for plain, compiled in zip(*weights, strict=True):
        np.testing.assert_allclose(plain, compiled, atol=1e-6)


def test_a_dataset_that_ends_early_moves_no_clock(rows):
    endless = tf.data.Dataset.from_tensor_slices(rows).batch(8)  # 3 batches where 5 are promised
    model = Denoising(encoder())
    model.compile("sgd")
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(endless, steps_per_epoch=5, verbose=0)
    assert int(model.clock.batches_seen.numpy()) == 3


def test_batches_of_unknown_size_are_refused_on_replicas(rows, two_replicas):
    with two_replicas.scope():
        model = Denoising(encoder())
        model.compile("sgd")
    uneven = tf.data.Dataset.from_tensor_slices(rows[:21]).batch(8)
    with pytest.raises(ValueError, match="batches of one known size on several replicas.*drop_remainder=True"):
        model.fit(uneven, verbose=0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="each replica must get as many rows"):
        model.evaluate(uneven, verbose=0)


def test_rows_kept_for_validation_are_not_planned(rows):
    model, history = fitted(rows, batch_size=8, validation_split=1 / 3)
    assert "val_loss" in history
    assert int(model.clock.total_steps.numpy()) == int(model.clock.batches_seen.numpy()) == 2


def test_predict_takes_the_batches_that_fit_takes(rows):
    model, _ = fitted(rows, batch_size=8)
    batches = tf.data.Dataset.from_tensor_slices({"x": rows, "index": np.arange(24)}).batch(8)
    np.testing.assert_array_equal(model.predict(batches, verbose=0), model.predict(rows, batch_size=8, verbose=0))


@keras.saving.register_keras_serializable("keras_ssl_tests")
class InfiniteSlope(Denoising):
    def objective(self, outputs):
        distance = super().objective(outputs)["distance"]
        return {"distance": distance + tf.sqrt(0.0 * tf.reduce_sum(tf.cast(outputs["z"], "float32")))}


def test_gradients_that_no_scale_can_mend_end_half_precision_too(rows):
    keras.config.set_dtype_policy("mixed_float16")
    model = InfiniteSlope(encoder())
    model.compile(keras.optimizers.SGD(0.1))
    data = tf.data.Dataset.from_tensor_slices(rows).batch(8, drop_remainder=True).repeat()
    with pytest.raises(FloatingPointError, match="the weights are the last good ones"):
        model.fit(data, steps_per_epoch=40, verbose=0)
    assert int(model.optimizer_steps()) == 0


def test_means_over_data_of_unknown_number_are_over_all_of_it(rows):
    model = Denoising(encoder())
    model.compile("sgd")
    known = tf.data.Dataset.from_tensor_slices(rows).batch(8, drop_remainder=True)
    unknown = known.filter(lambda batch: True)
    assert model.evaluate(unknown, verbose=0) == model.evaluate(known, verbose=0)
