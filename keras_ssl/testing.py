"""The gate: what every objective and loss has to prove, those of third parties too.

`run_loss_test` compares a loss with an oracle. `run_objective_test` runs a tiny objective through saving, replicas,
half precision, accumulation, bad input and a short training. Each check raises `AssertionError` with what went wrong;
each can be called alone.
"""

import contextlib
import json
import os
import tempfile
import threading

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import callbacks, objectives, serving
from keras_ssl.distribution import is_moving_statistic


def run_loss_test(loss, oracle, arguments, *, symmetric=None, tolerance=1e-5):
    """Proves that a loss equals its oracle, is float32, and has finite gradients.

    Args:
        loss: function of tensors and keywords that returns a scalar.
        oracle: function of the same arguments as float64 NumPy arrays, written from the paper.
        arguments: dict of the arguments by name, in the order of the loss; float arrays become tensors.
        symmetric: pair of argument names whose exchange must not change the loss, or None.
        tolerance: float, relative and absolute.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses, testing
    >>> def oracle(p, z):
    ...     return -np.mean([np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(p, z)])
    >>> rng = np.random.default_rng(0)
    >>> arguments = {"p": rng.normal(size=(5, 3)), "z": rng.normal(size=(5, 3))}
    >>> testing.run_loss_test(losses.negative_cosine, oracle, arguments, symmetric=("p", "z"))
    """
    arrays = {name: value for name, value in arguments.items() if _is_float_array(value)}
    expected = oracle(**{**arguments, **{name: value.astype("float64") for name, value in arrays.items()}})
    tensors = {name: tf.constant(value, "float32") for name, value in arrays.items()}
    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        value = loss(**{**arguments, **tensors})
    _require(value.dtype == tf.float32 and value.shape == (), f"a loss is a float32 scalar, got {value}")
    _close(value, expected, tolerance, "the loss differs from its oracle")
    for name, gradient in zip(tensors, tape.gradient(value, list(tensors.values())), strict=True):
        finite = gradient is None or np.isfinite(tf.convert_to_tensor(gradient)).all()
        _require(finite, f"the gradient for {name} is not finite")
    half = loss(**{**arguments, **{name: tf.cast(tensor, "float16") for name, tensor in tensors.items()}})
    _require(half.dtype == tf.float32, f"the loss of float16 tensors must be float32, got {half.dtype.name}")
    if symmetric:
        first, second = symmetric
        exchanged = loss(**{**arguments, **tensors, first: tensors[second], second: tensors[first]})
        _close(exchanged, value, tolerance, f"the loss changes when {first} and {second} are exchanged")


def run_objective_test(make, x, *, strategy=None, learns=True, part=None):
    """Proves what every objective must hold, on a tiny encoder.

    Args:
        make: function without arguments that returns a new objective, not compiled, the same each time. Its encoder has
            no batch statistics, or synchronised ones, and its heads likewise; its seed is fixed.
        x: at least 16 real inputs: an array, a structure of arrays, or a batch, a dict with `x` and `y` or `index`.
        strategy: `tf.distribute` strategy with two replicas, or None to leave that check out.
        learns: bool, whether to train for some steps on `x` and expect a lower loss.
        part: `"quick"` for saving and bad input alone, `"slow"` for the rest alone, or None for both.

    Raises:
        AssertionError: With what went wrong.
        ValueError: If there is no such `part`.
    """
    if part not in ("quick", "slow", None):
        raise ValueError(f"`part` must be 'quick', 'slow' or None. Received: part={part!r}")
    if part != "slow":
        check_round_trip(make, x)
        check_bad_input(make, x)
    if part == "quick":
        return
    check_labels_change_nothing(make, x)
    check_repeats(make, x)
    check_half_precision(make, x)
    check_accumulation(make, x)
    check_skips_non_finite(make, x)
    check_evaluate(make, x)
    check_resume(make, x)
    check_xla(make, x)
    check_export(make, x)
    if strategy is not None:
        check_replicas(make, x, strategy)
        check_replicas_skip(make, x, strategy)
    if learns:
        check_learns(make, x)


def check_round_trip(make, x):
    """Config and `.keras` file give back the same model: the next step's loss is the same number."""
    model = _fresh(make)
    model.compile()
    _fit(model, x, batches=2)
    revived = type(model).from_config(model.get_config())
    _require(_same_config(revived, model), f"get_config changes over from_config: {revived.get_config()}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
    _require(type(loaded) is type(model), f"load_model made a {type(loaded).__name__}")
    _same_weights(loaded.variables, model.variables, "a variable changed over save and load")
    _same_weights(loaded.optimizer.variables, model.optimizer.variables, "the optimizer changed over save and load")
    _require(_fit(loaded, x, batches=2) == _fit(model, x, batches=2), "the loss after a reload is another one")


def check_repeats(make, x):
    """The same seed trains to the same weights."""
    weights = []
    for _ in range(2):
        model = _fresh(make)
        model.compile(keras.optimizers.SGD(0.1))
        _fit(model, x, batches=2)
        weights.append(model.variables)
    _same_weights(*weights, "two trainings with one seed differ")


def check_replicas(make, x, strategy, steps=4, tolerance=1e-6):
    """Two replicas end where one batch ends, and hold the same state, with random views on."""
    batches = _batches(x, steps=steps)
    single = _fresh(make)
    single.compile(keras.optimizers.SGD(0.01))
    logged = single.fit(batches, verbose=0).history
    with strategy.scope():
        several = _fresh(make)
        several.compile(keras.optimizers.SGD(0.01))
    for name, values in several.fit(batches, verbose=0).history.items():
        _close(values, logged[name], 1e-5, f"the logged {name} differs between two replicas and one batch")
    for one, mirrored in zip(_saved(single.variables), _saved(several.variables), strict=True):
        copies = [np.asarray(copy) for copy in strategy.experimental_local_results(mirrored.value)]
        for copy in copies[1:]:
            _require(np.array_equal(copies[0], copy), f"{mirrored.path} differs between replicas")
        # What a queue keeps are outputs, whose rounding is larger than that of the weights.
        allowed = 10 * tolerance if one.name == "features" else tolerance
        _close(copies[0], one.numpy(), allowed, f"{mirrored.path} differs between two replicas and one batch")


def check_replicas_skip(make, x, strategy):
    """A NaN on one replica alone moves nothing on any, with and without loss scaling."""
    good = _floats(x)
    bad = _changed(
        keras.tree.map_structure(lambda array: array[:8], good),
        lambda array: np.concatenate([array[:4], _poison(array[4:], of=x)]),
    )
    for policy in ("float32", "mixed_float16"):
        with _policy(policy), strategy.scope():
            model = _poisoned(_fresh(make), x)
            model.compile(keras.optimizers.SGD(0.01))
        _fit(model, good, batches=10)
        start = [np.asarray(variable.numpy()) for variable in _saved_state(model)]
        error = _error_of(lambda model=model: model.fit(_batches(bad, steps=1), verbose=0))
        _require(isinstance(error, FloatingPointError), f"under {policy}, NaN on one replica ended in {error!r}")
        for variable, before in zip(_saved_state(model), start, strict=True):
            for copy in strategy.experimental_local_results(variable.value):
                _require(
                    np.array_equal(np.asarray(copy), before),
                    f"under {policy}, NaN on one replica moved {variable.path}",
                )


def check_half_precision(make, x):
    """Training under float16 and bfloat16 is finite and moves the weights, which stay float32."""
    for policy in ("mixed_float16", "mixed_bfloat16"):
        with _policy(policy):
            model = _fresh(make)
            model.compile()
            start = [variable.numpy() for variable in model.trainable_variables]
            loss = _fit(model, x, batches=10)  # float16 skips some to find its scale
        _require(np.isfinite(loss), f"the loss under {policy} is {loss}")
        _require(int(model.optimizer_steps()) > 0, f"no step was taken under {policy}")
        moved = [not np.array_equal(a, b.numpy()) for a, b in zip(start, model.trainable_variables, strict=True)]
        _require(any(moved), f"no weight moved under {policy}")
        _require(
            all(v.dtype == "float32" for v in model.trainable_variables), f"weights are not float32 under {policy}"
        )


def check_accumulation(make, x):
    """With accumulation, a micro-batch moves neither weights nor averaged state, and does not count as an update."""
    model = _fresh(make)
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    model.on_epoch_start(_batches(x, steps=1))  # what moves there does so before the first micro-batch
    start = [variable.numpy() for variable in _averaged_state(model)]
    _fit(model, x, batches=1)
    _require(int(model.optimizer_steps()) == 0, "a micro-batch counted as an update")
    _same_values([v.numpy() for v in _averaged_state(model)], start, "a micro-batch moved weights or state")
    _fit(model, x, batches=1)
    _require(int(model.optimizer_steps()) == 1, "two micro-batches did not make one update")
    after = [variable.numpy() for variable in _averaged_state(model)]
    moved = [not np.array_equal(a, b) for a, b in zip(start, after, strict=True)]
    _require(any(moved), "an update moved nothing")


def check_skips_non_finite(make, x):
    """A batch with NaN moves nothing but the clock, and `fit` ends with a clear error."""
    model = _poisoned(_fresh(make), x)
    model.compile(keras.optimizers.Adam(1e-2))
    _fit(model, _floats(x), batches=1)
    start = [variable.numpy() for variable in _saved_state(model)]
    steps = int(model.optimizer_steps())
    bad = _changed(x, lambda array: _poison(array, of=x))
    error = _error_of(lambda: model.fit(_batches(bad, steps=1), verbose=0))
    _require(isinstance(error, FloatingPointError), f"NaN did not end in a FloatingPointError but in {error!r}")
    _require(int(model.optimizer_steps()) == steps, "a step with NaN counted as an update")
    _same_values([v.numpy() for v in _saved_state(model)], start, "a step with NaN moved weights or state")


def check_evaluate(make, x):
    """`evaluate` gives the same numbers each time and moves nothing."""
    model = _fresh(make)
    model.compile()
    _fit(model, x, batches=1)
    batches = _batches(x, steps=2)
    before = [variable.numpy() for variable in model.variables]
    first = model.evaluate(batches, verbose=0, return_dict=True)
    _same_values(
        [v.numpy() for v in _without_test_clock(model)],
        [value for v, value in zip(model.variables, before, strict=True) if v.name != "test_batch"],
        "evaluate moved a variable",
    )
    second = model.evaluate(batches, verbose=0, return_dict=True)
    _require(first == second, f"evaluate gave {first}, then {second}")
    _require(np.isfinite(list(first.values())).all(), f"evaluate gave {first}")


def check_resume(make, x):
    """A training that is broken off within an epoch goes on to the same numbers, to the bit."""

    class Crash(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if int(self.model.clock.batches_seen.numpy()) == 6:
                raise KeyboardInterrupt

    def train(folder, *crash):
        model = _fresh(make)
        model.compile()
        kept = callbacks.Checkpoint(folder, every=1)
        return model, model.fit(_batches(x, steps=4), epochs=3, callbacks=[kept, *crash], verbose=0).history

    with tempfile.TemporaryDirectory() as folder:
        whole, expected = train(os.path.join(folder, "whole"))
        error = _error_of(lambda: train(os.path.join(folder, "broken"), Crash()))
        _require(isinstance(error, KeyboardInterrupt), f"training was not broken off: {error!r}")
        resumed, logged = train(os.path.join(folder, "broken"))
    _same_weights(resumed.variables, whole.variables, "a variable changed over a break")
    _same_weights(resumed.optimizer.variables, whole.optimizer.variables, "the optimizer changed over a break")
    _require(logged == expected, f"the history changed over a break: {logged}, not {expected}")


def check_xla(make, x, tolerance=1e-3):
    """The step compiles under XLA, views and all, and has the same loss there."""
    losses = []
    for jit_compile in (False, True):
        model = _fresh(make)
        model.compile(keras.optimizers.SGD(0.01), jit_compile=jit_compile)
        losses.append(_fit(model, x, batches=2))
    _close(losses[1], losses[0], tolerance, "the loss under XLA differs")


def check_export(make, x):
    """The encoder's export gives the numbers of Keras in a process that has neither Keras nor keras_ssl."""
    model = _fresh(make)
    model.compile()
    _fit(model, x, batches=2)
    examples = keras.tree.map_structure(lambda array: array[:4], _inputs(x))
    if isinstance(model, objectives.TokenModel):
        examples = {name: np.asarray(value) for name, value in model.inputs_of(examples["token_ids"]).items()}
    with tempfile.TemporaryDirectory() as folder:
        serving.export_encoder(model, folder, examples=examples)
        serving.verify(folder)


def check_learns(make, x, steps=60):
    """On repeated batches the loss falls, and the embeddings neither collapse nor turn NaN.

    Those that began nearly alike, as a network's first tokens do, need only spread.
    """
    model = _fresh(make)
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(_batches(x, steps=steps), epochs=2, verbose=0).history
    _require(history["loss"][1] < history["loss"][0], f"the loss did not fall: {history['loss']}")
    healthy, (before, after) = 1 / np.sqrt(model.z_dim), history["embedding_std"]
    _require(
        after > 0.1 * healthy or after > 2.0 * before,
        f"the embeddings collapse: embedding_std {before:.4f}, then {after:.4f} where {healthy:.4f} is healthy",
    )


def check_labels_change_nothing(make, x):
    """Labels do not change what is learned, unless the objective says `uses_labels`."""
    weights = []
    for labels in (0, 1):
        model = _fresh(make)
        if model.uses_labels:
            return
        model.compile(keras.optimizers.SGD(0.1))
        rows = len(keras.tree.flatten(x)[0])
        y = np.full(rows, labels, "int64") if labels else np.arange(rows)
        model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(8, drop_remainder=True).take(1), verbose=0)
        weights.append(model.variables)
    _same_weights(*weights, "labels changed what was learned")


def check_bad_input(make, x):
    """Wrong rank, strings, no rows, too few rows, no labels or numbers where they are needed, and an unknown `metrics`
    end in one clear line each."""
    model = _fresh(make)
    _raises(lambda: model.compile(metrics=["mse"]), "metrics")
    model.compile(keras.optimizers.SGD(0.1))
    if isinstance(_inputs(x), np.ndarray):
        _raises(lambda: model.fit(_changed(x, lambda array: array[:, None]), batch_size=8, verbose=0), "rank")
        _raises(lambda: model.fit(_changed(x, lambda array: array.astype("str")), batch_size=8, verbose=0), "numbers")
        none = keras.tree.map_structure(lambda array: array[:0], x)
        _raises(lambda: model.fit(none, batch_size=8, verbose=0), "row")
        nan = _changed(x, lambda array: np.full(array.shape, np.nan, "float32"))
        _raises(lambda: model.fit(nan, batch_size=8, verbose=0), "finite")
    if model.uses_labels or model.uses_index:
        _raises(lambda: model.fit(_inputs(x), batch_size=8, verbose=0), "must come with")
    endless = _batches(x, steps=1).repeat()
    _raises(lambda: model.fit(endless, verbose=0), "steps_per_epoch")
    if model.minimum_batch > 1:
        _raises(lambda: model.fit(_batches(x, steps=1, batch_size=1), verbose=0), "batch_size")


def _fresh(make):
    keras.utils.set_random_seed(1)
    return make()


@contextlib.contextmanager
def _policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _inputs(x):
    """What the encoder takes, of a batch or of inputs alone."""
    return x["x"] if isinstance(x, dict) and "x" in x else x


def _changed(x, function):
    """The same data with other inputs; labels and numbers stay."""
    changed = keras.tree.map_structure(function, _inputs(x))
    return changed if _inputs(x) is x else {**x, "x": changed}


def _floats(x):
    """The same pictures as floats in `[0, 1]`, so that a batch of them and one with NaN are one trace of the step."""
    return _changed(x, lambda array: array / np.float32(255) if array.dtype == "uint8" else array)


def _are_ids(x):
    return np.asarray(keras.tree.flatten(_inputs(x))[0]).dtype.kind == "i"


def _poison(array, of):
    """Rows that make the loss NaN: NaN itself, or, where the inputs are ids, rows of the largest id alone."""
    return np.full_like(array, array.max()) if _are_ids(of) else np.full(array.shape, np.nan, "float32")


def _poisoned(model, x):
    """The model with a loss that is NaN for a poisoned batch of ids, which cannot hold a NaN themselves."""
    if not _are_ids(x):
        return model
    views, objective = model.views, model.objective
    step = threading.local()  # each replica is traced in a thread of its own

    def marked_views(batch, rng, training):
        token_ids = next(leaf for leaf in keras.tree.flatten(batch) if len(leaf.shape) > 1)
        alike = tf.reduce_all(token_ids == token_ids[:, :1], axis=tuple(range(1, len(token_ids.shape))))
        step.nan = tf.where(tf.reduce_any(alike), np.nan, 0.0)
        return views(batch, rng, training)

    def marked_objective(outputs):
        marked = {}
        for name, term in objective(outputs).items():
            marked[name] = (term[0] + step.nan, term[1]) if isinstance(term, tuple) else term + step.nan
        return marked

    model.views, model.objective = marked_views, marked_objective
    return model


def _batches(x, steps, batch_size=8):
    dataset = tf.data.Dataset.from_tensor_slices(x).repeat().batch(batch_size, drop_remainder=True).take(steps)
    return dataset.apply(tf.data.experimental.assert_cardinality(steps))


def _fit(model, x, batches):
    return model.fit(_batches(x, steps=batches), verbose=0).history["loss"][0]


def _saved(variables):
    """Without what differs by design: the masks of dropout are each replica's own."""
    return [variable for variable in variables if variable.name != "seed_generator_state"]


def _without_test_clock(model):
    return [variable for variable in model.variables if variable.name != "test_batch"]


_CLOCKS = (
    "batches_seen",
    "batches_at_compile",
    "total_steps",
    "steps_per_epoch",
    "global_batch_size",
    "failed_steps",
    "test_batch",
)


def _saved_state(model):
    return [v for v in _saved(model.variables) if v.name not in _CLOCKS]


def _averaged_state(model):
    """What moves with updates only: weights and teachers; not the statistics of batches."""
    return [variable for variable in _saved_state(model) if not is_moving_statistic(variable)]


def _same_config(revived, model):
    keep = ("encoder", "name", "dtype")  # encoders hold names of layers that count up
    ours, theirs = (
        {key: value for key, value in one.get_config().items() if key not in keep} for one in (revived, model)
    )
    return json.dumps(ours) == json.dumps(theirs)  # as in a file, which has no tuples


def _same_weights(first, second, message):
    _same_values([v.numpy() for v in first], [v.numpy() for v in second], message)


def _same_values(first, second, message):
    _require(len(first) == len(second), f"{message}: {len(first)} against {len(second)} variables")
    for number, (a, b) in enumerate(zip(first, second, strict=True)):
        _require(np.array_equal(a, b, equal_nan=True), f"{message}: number {number} of shape {a.shape}")


def _close(value, expected, tolerance, message):
    if not np.allclose(value, expected, rtol=tolerance, atol=tolerance):
        worst = np.max(np.abs(np.asarray(value, "float64") - expected))
        raise AssertionError(f"{message} by {worst:.3g}, more than {tolerance}")


def _raises(function, word):
    error = _error_of(function)
    _require(isinstance(error, ValueError), f"expected a ValueError about {word!r}, got {error!r}")
    _require(word in str(error), f"expected {word!r} in the error, got: {error}")
    _require("Received" in str(error), f"an error must end with what was received, got: {error}")


def _error_of(function):
    try:
        function()
    except (Exception, KeyboardInterrupt) as error:
        return error
    return None


def _is_float_array(value):
    return isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)


def _require(condition, message):
    if not condition:
        raise AssertionError(message)
