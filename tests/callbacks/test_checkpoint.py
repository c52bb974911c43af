import contextlib
import errno
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import callbacks, data, objectives
from keras_ssl.callbacks import training_state

EPOCHS, BATCHES = 3, 6  # of 8 rows


@pytest.fixture(scope="module")
def source():
    return data.load(np.random.default_rng(0).integers(0, 256, (48, 8, 8, 1), "uint8"))


class Crash(keras.callbacks.Callback):
    """Breaks training off after so many batches, or does something else then."""

    def __init__(self, after, action=None):
        super().__init__()
        self.after, self.action = after, action

    def on_train_batch_end(self, batch, logs=None):
        self.after -= 1
        if self.after == 0:
            if self.action is None:
                raise KeyboardInterrupt
            self.action()


class Counter(keras.callbacks.Callback):
    """Counts what it sees."""

    def __init__(self):
        super().__init__()
        self.begun, self.ended, self.seen = 0, 0, []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun += 1

    def on_train_batch_end(self, batch, logs=None):
        self.ended += 1

    def on_epoch_end(self, epoch, logs=None):
        self.seen = [*self.seen, np.float32(logs["loss"])]


def noise(x, rng):
    """Views that are quick to make."""
    x = tf.cast(x, "float32") / 255
    return tuple(x + 0.1 * rng.normal(f"noise_{view}", shape=(8, 8, 1)) for view in range(2))


def make(optimizer=None, norm=True, objective=objectives.BYOL):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(6), keras.layers.Dropout(0.1)]
    layers += [keras.layers.BatchNormalization()] if norm else []
    heads = {} if objective is objectives.SimCLR else {"projection_widths": (8, 4), "prediction_widths": (8, 4)}
    model = objective(keras.Sequential([keras.Input((8, 8, 1)), *layers]), augment=noise, **heads)
    model.compile(optimizer)
    return model


def train(folder, source, *others, optimizer=None, every=2, epochs=EPOCHS, keep=2, best=None, watch=(), **options):
    """The model and its history, also of a training that was broken off."""
    model = make(optimizer)
    checkpoint = callbacks.Checkpoint(folder, every=every, keep=keep, best=best, watch=watch)
    options = {"batch_size": 8, "epochs": epochs, "verbose": 0} | options
    try:
        # The checkpoint comes last, wherever it stands.
        model.fit(source, callbacks=[checkpoint, *others], **options)
    except KeyboardInterrupt:
        return model, None
    return model, model.history.history


def state(model):
    return [training_state.as_array(variable) for variable in training_state.variables_of(model)]


def assert_same(model, other):
    for variable, a, b in zip(training_state.variables_of(model), state(model), state(other), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=variable.path)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, source):
    return train(tmp_path_factory.mktemp("whole"), source)


@pytest.mark.parametrize("after", [3, pytest.param(BATCHES, marks=pytest.mark.gate), 2 * BATCHES + 5])
def test_goes_on_to_the_bit(tmp_path, source, uninterrupted, after):
    train(tmp_path, source, Crash(after))
    model, history = train(tmp_path, source)
    assert_same(model, uninterrupted[0])
    assert history == uninterrupted[1]
    assert model.history.epoch == list(range(EPOCHS))


@pytest.mark.gate
def test_goes_on_after_several_breaks_with_validation(tmp_path, source):
    whole, expected = train(tmp_path / "whole", source, validation_data=source)
    for after in (3, BATCHES, 4, 5):
        train(tmp_path / "broken", source, Crash(after), validation_data=source)
    model, history = train(tmp_path / "broken", source, validation_data=source)
    assert_same(model, whole)
    assert history == expected


def test_a_longer_training_goes_on_from_the_end(tmp_path, source):
    train(tmp_path, source, epochs=1)
    model, history = train(tmp_path, source, epochs=2)
    assert int(model.clock.batches_seen) == 2 * BATCHES
    assert len(history["loss"]) == 2


def test_a_finished_training_is_not_repeated(tmp_path, source, uninterrupted):
    train(tmp_path, source)
    model, history = train(tmp_path, source)
    assert_same(model, uninterrupted[0])
    assert history == uninterrupted[1]


@pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(
            lambda: keras.optimizers.Adam(1e-2, gradient_accumulation_steps=3),
            id="accumulation",
            marks=pytest.mark.gate,
        ),
        pytest.param(
            lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9), initial_scale=4.0),
            id="loss scale",
        ),
    ],
)
def test_any_optimizer_goes_on(tmp_path, source, optimizer):
    whole, _ = train(tmp_path / "whole", source, optimizer=optimizer())
    train(tmp_path / "broken", source, Crash(4), optimizer=optimizer())
    assert_same(train(tmp_path / "broken", source, optimizer=optimizer())[0], whole)


@pytest.mark.gate
def test_a_dataset_is_read_from_the_front(tmp_path, rng):
    x = rng.integers(0, 256, (48, 8, 8, 1), "uint8")

    def run(folder, *others, repeat):
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True)
        steps = {"steps_per_epoch": 4} if repeat else {}
        model = make()
        keepers = [callbacks.Checkpoint(folder, every=1), *others]
        dataset = dataset.repeat() if repeat else dataset
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(dataset, epochs=3, callbacks=keepers, verbose=0, **steps)
        return model

    for repeat in (False, True):
        whole = run(tmp_path / f"whole-{repeat}", repeat=repeat)
        run(tmp_path / f"broken-{repeat}", Crash(7), repeat=repeat)
        assert_same(run(tmp_path / f"broken-{repeat}", repeat=repeat), whole)


@pytest.mark.gate
def test_state_of_callbacks(tmp_path, source):
    def watched():
        return keras.callbacks.EarlyStopping("loss", patience=50, restore_best_weights=True), Counter()

    stopping, counter = watched()
    train(tmp_path / "whole", source, stopping, counter, watch=[counter])
    broken = watched()
    train(tmp_path / "broken", source, *broken, Crash(BATCHES + 3), watch=broken[1:])
    again = watched()
    again[0].patience = 7  # a setting is not state
    train(tmp_path / "broken", source, *again, watch=again[1:])
    assert (again[0].best, again[0].best_epoch, again[0].wait) == (stopping.best, stopping.best_epoch, stopping.wait)
    for mine, other in zip(again[0].best_weights, stopping.best_weights, strict=True):
        np.testing.assert_array_equal(mine, other)
    assert again[0].patience == 7
    assert (again[1].begun, again[1].ended, again[1].seen) == (counter.begun, counter.ended, counter.seen)


@pytest.mark.gate
def test_measurements_between_epochs_are_remembered(tmp_path, source):
    def monitor():
        x, y = source.images(np.arange(24)), np.arange(24) % 3
        return callbacks.KNNMonitor((x, y), (x, y), neighbors=3, every=3)

    _, expected = train(tmp_path / "whole", source, monitor(), epochs=6)
    train(tmp_path / "broken", source, monitor(), Crash(4 * BATCHES + 1), epochs=6)
    _, history = train(tmp_path / "broken", source, monitor(), epochs=6)
    assert expected["rankme"][3:5] == [expected["rankme"][3]] * 2
    assert history == expected


def test_what_ended_early_stays_ended(tmp_path, source):
    def stopping():
        return keras.callbacks.EarlyStopping("rising", patience=1, restore_best_weights=True, mode="min")

    class Rising(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["rising"] = float(epoch)

    first, expected = train(tmp_path, source, Rising(), stopping(), epochs=5)
    assert len(expected["loss"]) == 2
    again, history = train(tmp_path, source, Rising(), stopping(), epochs=5)
    assert history == expected
    for mine, other in zip(again.get_weights(), first.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)  # those of the best epoch
    assert len(train(tmp_path, source, epochs=6)[1]["loss"]) == 6  # but may be made longer


@pytest.mark.parametrize("steps", [2, pytest.param(3, marks=pytest.mark.gate)])
def test_several_steps_in_one_call(tmp_path, source, steps):
    def run(folder, *others):
        model = make()
        model.compile(keras.optimizers.SGD(0.1), steps_per_execution=steps)
        keepers = [callbacks.Checkpoint(folder, every=3), *others]
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(source, batch_size=8, epochs=3, callbacks=keepers, verbose=0)
        return model

    whole = run(tmp_path / "whole")
    run(tmp_path / "broken", Crash(5))
    assert len(callbacks.Checkpoint(tmp_path / "broken").paths()) == 2
    assert_same(run(tmp_path / "broken"), whole)


def test_another_number_of_steps_in_one_call_is_refused(tmp_path, source):
    train(tmp_path, source, Crash(4), every=3)
    model = make()
    model.compile(keras.optimizers.SGD(0.1), steps_per_execution=2)
    with pytest.raises(ValueError, match="`steps_per_execution` must divide the 3 batches of the epoch that are done"):
        model.fit(source, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)
    model.compile(keras.optimizers.SGD(0.1), steps_per_execution=4)
    with pytest.raises(ValueError, match="`steps_per_execution` must divide the 6 batches of an epoch"):
        model.fit(source, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)


def test_a_pass_that_nobody_counts_is_refused(tmp_path, source):
    with pytest.raises(ValueError, match="`steps_per_epoch` must be left out for arrays"):
        make().fit(
            source.images(np.arange(48)),
            batch_size=8,
            steps_per_epoch=4,
            callbacks=[callbacks.Checkpoint(tmp_path)],
            verbose=0,
        )


def test_a_first_epoch_given_by_hand(tmp_path, source):
    train(tmp_path, source, epochs=2)
    model, _ = train(tmp_path, source, epochs=4, initial_epoch=2)
    assert int(model.clock.total_steps.numpy()) == int(model.clock.batches_seen.numpy()) == 4 * BATCHES


def test_a_damaged_file_is_written_anew(tmp_path, source, uninterrupted):
    train(tmp_path, source)
    *_, latest = callbacks.Checkpoint(tmp_path).paths()
    latest.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        train(tmp_path, source)
    assert callbacks.Checkpoint(tmp_path).paths()[-1] == latest
    assert_same(train(tmp_path, source)[0], uninterrupted[0])


@pytest.mark.gate
def test_a_pass_that_goes_on_over_epochs(tmp_path, rng):
    x = rng.integers(0, 256, (96, 8, 8, 1), "uint8")

    def run(folder, *others):
        model = make()
        dataset = tf.data.Dataset.from_tensor_slices(x).batch(8, drop_remainder=True)
        keepers = [callbacks.Checkpoint(folder, every=1), *others]
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(dataset, steps_per_epoch=4, epochs=4, callbacks=keepers, verbose=0)
        return model

    whole = run(tmp_path / "whole")
    run(tmp_path / "broken", Crash(6))
    run(tmp_path / "broken", Crash(6))
    assert_same(run(tmp_path / "broken"), whole)


def test_keeps_the_last_ones_and_the_best(tmp_path, source):
    class Knn(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["knn"] = [0.3, 0.9, 0.5][epoch]

    model, _ = train(tmp_path, source, Knn(), best="knn", keep=3, every="epoch")
    names = [f"batch-{number:012}.npz" for number in (BATCHES, 2 * BATCHES, 3 * BATCHES)]
    assert sorted(os.listdir(tmp_path)) == [*names, "best.npz"]
    best = make()
    callbacks.Checkpoint(tmp_path).restore_best(best)
    assert int(best.clock.batches_seen) == 2 * BATCHES
    assert not np.array_equal(best.encoder.get_weights()[0], model.encoder.get_weights()[0])
    _, history = train(tmp_path, source, best="knn", keep=1, every="epoch", epochs=EPOCHS + 1)
    assert len(history["loss"]) == EPOCHS + 1
    assert sorted(os.listdir(tmp_path)) == [f"batch-{4 * BATCHES:012}.npz", "best.npz"]


def test_there_is_no_best_yet(tmp_path):
    with pytest.raises(ValueError, match="`directory` has no best epoch yet"):
        callbacks.Checkpoint(tmp_path).restore_best(make())


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", *(pytest.param(one, marks=pytest.mark.gate) for one in ("empty", "no zip"))]
)
def test_a_damaged_file_is_passed_over(tmp_path, source, uninterrupted, damage):
    model, _ = train(tmp_path, source, Crash(BATCHES + 4))
    *_, latest = callbacks.Checkpoint(tmp_path).paths()
    content = bytearray(latest.read_bytes())
    if damage == "flipped":
        largest = state(model)[1]  # a bit of a weight, not of the padding between arrays
        content[content.index(largest.tobytes()) + 5] ^= 1
    latest.write_bytes({"cut": content[:-100], "flipped": content, "empty": b"", "no zip": b"x" * 1000}[damage])
    with pytest.warns(UserWarning, match=f"{latest.name} is damaged and passed over"):
        model, history = train(tmp_path, source)
    assert_same(model, uninterrupted[0])
    assert history == uninterrupted[1]


def test_a_damaged_file_holds_no_place(tmp_path, source, uninterrupted):
    train(tmp_path, source, Crash(5))
    *_, latest = callbacks.Checkpoint(tmp_path).paths()
    latest.write_bytes(b"")
    with pytest.warns(UserWarning, match="damaged"):
        train(tmp_path, source, Crash(4), every=1, keep=1)
    assert [path.name for path in callbacks.Checkpoint(tmp_path).paths()] == ["batch-000000000003.npz"]
    assert_same(train(tmp_path, source)[0], uninterrupted[0])


def test_any_flipped_bit_is_found_or_does_no_harm(tmp_path):
    path, arrays = tmp_path / "state.npz", [np.arange(6.0), np.ones(())]
    entries = {"position": {"epoch": 1}, "array": np.arange(3)}
    training_state.write_state(path, arrays, entries)
    whole, found = path.read_bytes(), 0
    for place in range(0, len(whole), 3):
        content = bytearray(whole)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        try:
            read, read_entries = training_state.read_state(path)
        except training_state.DamagedFileError:
            found += 1
            continue
        assert training_state.same(read, arrays)
        assert training_state.same(read_entries, entries)
    assert found > len(whole) / 6


def test_damaged_files_alone_are_an_error(tmp_path, source):
    train(tmp_path, source, Crash(3))
    for path in callbacks.Checkpoint(tmp_path).paths():
        path.write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(ValueError, match=r"must hold a checkpoint that is whole.*with 1 damaged"),
    ):
        train(tmp_path, source)


def test_a_full_disk_keeps_the_old_one(tmp_path, source, uninterrupted, monkeypatch):
    whole_write = training_state.write_state

    def full(path, arrays, entries):
        if entries["position"]["batch"] == 4:
            whole_write(path, arrays[:3], entries)  # some of it is written
            path.unlink()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        whole_write(path, arrays, entries)

    monkeypatch.setattr(training_state, "write_state", full)
    with pytest.warns(UserWarning, match=r"could not be written \(No space left on device\); kept is .*batch-0+2.npz"):
        train(tmp_path, source, Crash(5))
    assert [path.name for path in callbacks.Checkpoint(tmp_path).paths()] == ["batch-000000000002.npz"]
    monkeypatch.undo()
    assert_same(train(tmp_path, source)[0], uninterrupted[0])


def test_leftovers_of_a_killed_write_are_swept_away(tmp_path, source):
    train(tmp_path, source, Crash(3))
    leftover = tmp_path / ".batch-000000000004.0123abcd.aside.npz"
    leftover.write_bytes(b"half")
    (tmp_path / "note.txt").write_text("mine")
    train(tmp_path, source)
    assert not leftover.exists()
    assert (tmp_path / "note.txt").exists()


def test_a_loss_that_is_not_finite_leaves_the_last_good_one(tmp_path, source):
    model = make()
    sound = model.objective
    model.objective = lambda outputs: {
        name: tf.where(model.clock.batches_seen >= 3, np.nan, value) for name, value in sound(outputs).items()
    }
    with pytest.raises(FloatingPointError):
        model.fit(source, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path, every=1)], verbose=0)
    assert callbacks.Checkpoint(tmp_path).paths()[-1].name == "batch-000000000003.npz"


def test_sigterm_saves_and_ends_with_its_code(tmp_path, source, uninterrupted):
    before = signal.getsignal(signal.SIGTERM)
    terminate = Crash(BATCHES + 2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(callbacks.Preempted) as stopped:
        train(tmp_path, source, terminate, every=100)
    assert (stopped.value.code, stopped.value.saved) == (143, True)
    assert signal.getsignal(signal.SIGTERM) is before
    assert callbacks.Checkpoint(tmp_path).paths()[-1].name == f"batch-{BATCHES + 2:012}.npz"
    model, history = train(tmp_path, source)
    assert_same(model, uninterrupted[0])
    assert history == uninterrupted[1]


def test_sigterm_in_the_last_epoch_and_a_second_try(tmp_path, source, uninterrupted):
    class Terminate(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch + 1 == EPOCHS:
                os.kill(os.getpid(), signal.SIGTERM)

    checkpoint, model = callbacks.Checkpoint(tmp_path), make()
    with pytest.raises(callbacks.Preempted):
        model.fit(source, batch_size=8, epochs=EPOCHS, callbacks=[Terminate(), checkpoint], verbose=0)
    assert_same(model, uninterrupted[0])
    again = make()
    history = again.fit(source, batch_size=8, epochs=EPOCHS, callbacks=[checkpoint], verbose=0)
    assert_same(again, uninterrupted[0])
    assert history.history == uninterrupted[1]


def test_an_ordinary_model_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="only in the `fit` of an objective"):
        model.fit(np.ones((8, 4)), np.ones((8, 2)), callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)


def test_the_best_of_what_is_not_logged_is_told(tmp_path, source):
    with pytest.warns(UserWarning, match="`best='knn'` is not among what is logged: embedding_std, loss"):
        train(tmp_path, source, best="knn", epochs=1)


def test_a_loss_that_is_no_number_is_never_the_best(tmp_path):
    checkpoint = callbacks.Checkpoint(tmp_path, best="val_loss")
    assert not checkpoint._is_best({"val_loss": float("nan")})
    checkpoint._best_value = 0.5
    assert [checkpoint._is_best({"val_loss": value}) for value in (0.6, 0.5, 0.4)] == [False, False, True]


@pytest.mark.gate
def test_by_default_it_costs_little(tmp_path, source, monkeypatch):
    clock = iter(np.arange(0.0, 1e6, 0.5))  # each look is half a second later than the last
    monkeypatch.setattr(callbacks.checkpoint.time, "perf_counter", lambda: next(clock))
    written = []
    monkeypatch.setattr(training_state, "write_state", lambda path, arrays, entries: written.append(path.name))
    train(tmp_path, source, every=None, epochs=40)
    # A write takes half a second, so the next is due after fifty; the first and the last are always there.
    assert 3 <= len(written) <= 6
    assert written[0] == "batch-000000000001.npz"
    assert written[-1] == f"batch-{40 * BATCHES:012}.npz"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: make(norm=False), "this very model and optimizer"),
        (lambda: make("adam"), "this very model and optimizer"),
        (lambda: make(objective=objectives.SimCLR), "it is of a BYOL"),
    ],
    ids=["model", "optimizer", "objective"],
)
def test_another_model_is_refused(tmp_path, source, change, message):
    train(tmp_path, source, Crash(3))
    model = change()
    with pytest.raises(ValueError, match=message):
        model.fit(source, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)


def test_epochs_of_another_length_are_refused(tmp_path, source):
    train(tmp_path, source, Crash(3))
    with pytest.raises(ValueError, match="its epochs had 6 batches. Received: 3 batches"):
        make().fit(source, batch_size=16, callbacks=[callbacks.Checkpoint(tmp_path)], verbose=0)


def test_two_keepers_are_refused(tmp_path, source):
    with pytest.raises(ValueError, match="at most one that restores a training. Received: 2"):
        make().fit(source, batch_size=8, callbacks=[callbacks.Checkpoint(tmp_path)] * 2, verbose=0)


@pytest.mark.parametrize("argument", [{"every": 0}, {"every": "week"}, {"every": True}, {"keep": 0}])
def test_arguments(tmp_path, argument):
    with pytest.raises(ValueError, match=f"`{next(iter(argument))}` must be .*Received: "):
        callbacks.Checkpoint(tmp_path, **argument)


def test_half_precision_is_written_and_read(tmp_path):
    variable = keras.Variable(np.arange(4), dtype="bfloat16")
    path = tmp_path / "state.npz"
    entries = {"list": [1, 2.5, None], "tuple": ("a", np.float32(3)), "deep": {"array": np.arange(3)}}
    training_state.write_state(path, [training_state.as_array(variable)], entries)
    arrays, read = training_state.read_state(path)
    other = keras.Variable(np.zeros(4), dtype="bfloat16")
    training_state.assign_array(other, arrays[0])
    np.testing.assert_array_equal(other.numpy().astype("float32"), np.arange(4))
    assert read["list"] == [1, 2.5, None]
    assert read["tuple"] == ("a", np.float32(3))
    np.testing.assert_array_equal(read["deep"]["array"], np.arange(3))


def test_an_epoch_start_is_not_repeated_within_an_epoch(tmp_path, source):
    class Watching(objectives.BYOL):
        def on_epoch_start(self, dataset):
            started.append(int(self.clock.batches_seen))

    def run(*others):
        keepers = [callbacks.Checkpoint(tmp_path, every=1), *others]
        make(objective=Watching).fit(source, batch_size=8, epochs=2, callbacks=keepers, verbose=0)

    started = []
    with pytest.raises(KeyboardInterrupt):
        run(Crash(3))
    run()
    assert started == [0, BATCHES]
