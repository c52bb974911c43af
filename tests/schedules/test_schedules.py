import keras
import numpy as np
import pytest

from keras_ssl import layers, objectives
from keras_ssl.losses import negative_cosine
from keras_ssl.schedules import (
    Clock,
    Constant,
    CosineMomentum,
    LinearWarmup,
    PerUpdate,
    WarmupCosine,
    as_schedule,
    bind_schedule,
)


def warmup_cosine(step, peak, warmup, total, end=0.0):
    if step < warmup:
        return peak * step / warmup
    done = min(max((step - warmup) / max(total - warmup, 1), 0), 1)
    return end + (peak - end) * (1 + np.cos(np.pi * done)) / 2


def cosine_momentum(step, start, end, total):
    return end - (end - start) * (1 + np.cos(np.pi * min(step / total, 1))) / 2


def clock_at(total_steps=0, steps_per_epoch=0.0, global_batch_size=0):
    clock = Clock()
    clock.total_steps.assign(total_steps)
    clock.steps_per_epoch.assign(steps_per_epoch)
    clock.global_batch_size.assign(global_batch_size)
    return clock


STEPS = [0, 1, 9, 10, 11, 57, 99, 100, 101, 1000]


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize("end", [0.0, 0.02])
@pytest.mark.parametrize("warmup", [0, 10, 100])
def test_warmup_cosine_equals_the_formula(warmup, end, bound):
    schedule = WarmupCosine(0.3, warmup_steps=warmup, total_steps=None if bound else 100, end=end)
    if bound:
        bind_schedule(schedule, clock_at(total_steps=100))
    expected = [warmup_cosine(step, 0.3, warmup, 100, end) for step in STEPS]
    np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("epochs", "total", "warmup"), [(2, 1000, 25), (10, 1000, 100), (1, 100, 10), (1.5, 1000, 18.75), (0, 1000, 0)]
)
def test_warmup_in_epochs_is_cut_to_a_tenth(epochs, total, warmup):
    schedule = WarmupCosine(1.0, warmup_epochs=epochs)
    schedule.bind(clock_at(total_steps=total, steps_per_epoch=12.5))
    expected = [warmup_cosine(step, 1.0, warmup, total) for step in STEPS]
    np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("batch", "factor"), [(64, 0.25), (256, 1.0), (1024, 4.0), (0, 1.0)])
def test_the_peak_scales_with_the_batch(batch, factor):
    schedule = WarmupCosine(0.2, warmup_steps=10, total_steps=100, end=0.01, reference_batch_size=256)
    schedule.bind(clock_at(global_batch_size=batch))
    expected = [warmup_cosine(step, 0.2 * factor, 10, 100, 0.01) for step in STEPS]
    np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-5)


@pytest.mark.parametrize("bound", [False, True])
@pytest.mark.parametrize(("start", "end"), [(0.996, 1.0), (0.9, 0.9), (1.0, 0.5)])
def test_cosine_momentum_equals_the_formula(start, end, bound):
    schedule = CosineMomentum(start, end, total_steps=None if bound else 100)
    if bound:
        schedule.bind(clock_at(total_steps=100))
    expected = [cosine_momentum(step, start, end, 100) for step in STEPS]
    np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-6)


@pytest.mark.parametrize(("schedule", "value"), [(WarmupCosine(0.3), 0.3), (CosineMomentum(0.9), 0.9)])
def test_before_any_fit_the_schedule_stands_at_its_start(schedule, value):
    bind_schedule(schedule, clock_at())
    assert [float(schedule(step)) for step in (0, 50)] == pytest.approx([value, value])


@pytest.mark.parametrize("bound", [False, True])
def test_linear_warmup_equals_the_formula(bound):
    schedule = LinearWarmup(0.04, 0.07, warmup_epochs=2.5, warmup_steps=None if bound else 25)
    bind_schedule(schedule, clock_at(steps_per_epoch=10, total_steps=30))
    expected = [0.04 + 0.03 * min(step / 25, 1) for step in STEPS]
    np.testing.assert_allclose([float(schedule(step)) for step in STEPS], expected, rtol=1e-6)


def test_linear_warmup_of_no_length_is_at_its_end_after_the_first_step():
    schedule = LinearWarmup(1.0, 3.0, warmup_steps=0)
    assert [float(schedule(step)) for step in (0, 1)] == [1.0, 3.0]


def test_a_bound_schedule_follows_the_clock():
    schedule, clock = CosineMomentum(0.0, 1.0), clock_at(total_steps=10)
    schedule.bind(clock)
    assert float(schedule(5)) == pytest.approx(0.5)
    clock.total_steps.assign(5)
    assert float(schedule(5)) == 1.0


def test_constant_is_constant():
    assert [float(Constant(0.25)(step)) for step in (0, 7)] == [0.25, 0.25]


def test_as_schedule_takes_schedules_and_numbers():
    other = CosineMomentum(total_steps=3)
    copy = as_schedule(other)
    assert copy is not other  # two models may be given the same one, and each binds its own
    assert copy.get_config() == other.get_config()
    assert float(as_schedule(2)(5)) == 2.0
    assert float(as_schedule(0)(5)) == 0.0


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (WarmupCosine(1.0, warmup_steps=5), r"`total_steps` must be given where WarmupCosine.*total_steps=None"),
        (WarmupCosine(1.0, total_steps=5), r"`warmup_steps` must be given where WarmupCosine.*warmup_steps=None"),
        (
            WarmupCosine(1.0, warmup_steps=5, total_steps=9, reference_batch_size=256),
            r"`reference_batch_size` must be None where WarmupCosine.*reference_batch_size=256",
        ),
        (LinearWarmup(0.0, 1.0), r"`warmup_steps` must be given where LinearWarmup.*warmup_steps=None"),
        (CosineMomentum(), r"`total_steps` must be given where CosineMomentum.*total_steps=None"),
        (PerUpdate(CosineMomentum(), 4), r"`total_steps` must be given where CosineMomentum.*total_steps=None"),
    ],
)
def test_what_only_fit_could_plan_must_be_given_elsewhere(schedule, message):
    with pytest.raises(ValueError, match=message):
        schedule(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WarmupCosine(1.0, total_steps=0), "`total_steps` must be positive or None.*total_steps=0"),
        (lambda: WarmupCosine(1.0, warmup_steps=-1), "`warmup_steps` must not be negative.*warmup_steps=-1"),
        (lambda: WarmupCosine(1.0, warmup_epochs=-2), "`warmup_epochs` must not be negative.*warmup_epochs=-2"),
        (lambda: LinearWarmup(0, 1, warmup_steps=-1), "`warmup_steps` must not be negative.*warmup_steps=-1"),
        (lambda: LinearWarmup(0, 1, warmup_epochs=-2), "`warmup_epochs` must not be negative.*warmup_epochs=-2"),
        (lambda: WarmupCosine(1.0, reference_batch_size=0), "`reference_batch_size` must be positive or None.*=0"),
        (lambda: CosineMomentum(start=1.5), r"`start` and `end` must be in \[0, 1\].*start=1.5"),
        (lambda: CosineMomentum(end=-0.1), r"`start` and `end` must be in \[0, 1\].*end=-0.1"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "schedule",
    [
        WarmupCosine(0.3, 7, 10, 100, 0.1, None),
        WarmupCosine(0.3, warmup_epochs=3, reference_batch_size=256),
        CosineMomentum(0.9, 0.99, total_steps=50),
        LinearWarmup(0.04, 0.07, 20, 7),
        LinearWarmup(0.04, 0.07, warmup_epochs=3),
        Constant(0.5),
        PerUpdate(WarmupCosine(0.3, warmup_steps=10, total_steps=100), 4),
        PerUpdate(keras.optimizers.schedules.CosineDecay(0.1, 40), 2),
    ],
    ids=lambda schedule: type(schedule).__name__,
)
def test_round_trips_through_its_config(schedule):
    config = keras.saving.serialize_keras_object(schedule)
    loaded = keras.saving.deserialize_keras_object(config)
    assert type(loaded) is type(schedule)
    assert keras.saving.serialize_keras_object(loaded) == config
    clock = clock_at(total_steps=200, steps_per_epoch=5, global_batch_size=64)
    for one in (schedule, loaded):
        bind_schedule(one, clock)
    assert [float(loaded(step)) for step in STEPS] == [float(schedule(step)) for step in STEPS]


def steps_of_one(optimizer, count):
    """How far each of some steps moves a weight whose gradient is one."""
    weight = keras.Variable(0.0)
    optimizer.build([weight])
    moved, before = [], 0.0
    for _ in range(count):
        optimizer.apply([keras.ops.ones(())], [weight])
        moved.append(before - float(weight.numpy()))
        before = float(weight.numpy())
    return moved


def test_inside_an_optimizer_of_keras():
    schedule = WarmupCosine(1.0, warmup_steps=2, total_steps=6)
    expected = [warmup_cosine(step, 1.0, 2, 6) for step in range(7)]
    np.testing.assert_allclose(steps_of_one(keras.optimizers.SGD(schedule), 7), expected, atol=1e-6)


def test_per_update_counts_updates_under_accumulation():
    schedule = WarmupCosine(1.0, warmup_steps=2, total_steps=6)
    optimizer = keras.optimizers.SGD(PerUpdate(schedule, 3), gradient_accumulation_steps=3)
    expected = [[0, 0, warmup_cosine(step, 1.0, 2, 6)] for step in range(4)]
    np.testing.assert_allclose(np.reshape(steps_of_one(optimizer, 12), (4, 3)), expected, atol=1e-6)


class Denoising(objectives.SelfSupervisedModel):
    """A toy that learns from noise; its terms do not matter here."""

    terms = ("distance",)

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, **kwargs)
        self.head = layers.PredictionHead(self.feature_dim, (2,))

    def views(self, batch, rng, training):
        return batch["x"], batch["x"] + 0.1 * rng.normal("noise", shape=(3,))

    def forward(self, views, training):
        z, noisy = (self.head(self.encode(x, training)) for x in views)
        return {"z": z, "noisy": noisy}

    def objective(self, outputs):
        return {"distance": negative_cosine(outputs["noisy"], outputs["z"])}


@keras.saving.register_keras_serializable("schedules_tests")
class Recorded(keras.optimizers.schedules.LearningRateSchedule):
    """Counts from one, so that a sum of gradients times rates tells which rates were used."""

    def __call__(self, step):
        return 1.0 + keras.ops.cast(step, "float32")

    def get_config(self):
        return {}


class Linear(Denoising):
    """Its loss is the sum of one weight: each update moves that weight by the learning rate."""

    def __init__(self, encoder, **kwargs):
        super().__init__(encoder, **kwargs)
        self.weight = self.add_weight(shape=(), initializer="zeros", name="weight")

    def objective(self, outputs):
        return {"distance": self.weight + 0.0 * keras.ops.sum(outputs["z"])}


def make(kind=Denoising, **compiled):
    model = kind(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    if compiled:
        model.compile(**compiled)
    return model


def clock_of(model):
    clock = model.clock
    names = ("batches_seen", "total_steps", "steps_per_epoch", "global_batch_size")
    return [float(getattr(clock, name).numpy()) for name in names] + [float(model.optimizer_steps())]


def test_fit_sets_the_clock_and_a_second_fit_continues(rng):
    rows = rng.normal(size=(24, 3)).astype("float32")
    model = make()
    model.fit(rows, batch_size=8, epochs=2, verbose=0)
    assert clock_of(model) == [6, 6, 3, 8, 6]
    model.fit(rows, batch_size=8, epochs=3, verbose=0)
    assert clock_of(model) == [15, 15, 3, 8, 15]
    model.fit(rows, batch_size=8, epochs=7, initial_epoch=5, verbose=0)
    assert clock_of(model) == [21, 21, 3, 8, 21]


def test_accumulation_counts_updates_not_micro_batches(rng):
    rows = rng.normal(size=(64, 3)).astype("float32")
    model = make(Linear, optimizer=keras.optimizers.SGD(Recorded(), gradient_accumulation_steps=4))
    model.fit(rows, batch_size=8, verbose=0)
    assert clock_of(model) == [8, 2, 2, 8, 2]
    assert float(model.weight.numpy()) == pytest.approx(-(1 + 2))  # rates of updates 0 and 1; by micro-batches 4 + 8


@pytest.mark.parametrize("accumulation", [None, 2])
def test_a_planned_rate_ends_with_the_training(rng, accumulation):
    rows = rng.normal(size=(40, 3)).astype("float32")
    schedule = WarmupCosine(1.0, warmup_steps=2, reference_batch_size=16)
    model = make(Linear, optimizer=keras.optimizers.SGD(schedule, gradient_accumulation_steps=accumulation))
    model.fit(rows, batch_size=4, epochs=2, verbose=0)
    updates = 20 // (accumulation or 1)
    expected = sum(warmup_cosine(step, 0.25, 2, updates) for step in range(updates))
    assert float(model.weight.numpy()) == pytest.approx(-expected, rel=1e-5)
    assert int(model.optimizer_steps()) == updates


def test_the_clock_is_saved_with_the_model(rng, tmp_path):
    keras.saving.register_keras_serializable("schedules_tests")(Denoising)
    model = make(optimizer=keras.optimizers.SGD(WarmupCosine(0.1)))
    model.fit(rng.normal(size=(24, 3)).astype("float32"), batch_size=8, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert clock_of(loaded) == clock_of(model) == [6, 6, 3, 8, 6]
    assert float(loaded.optimizer.learning_rate) == pytest.approx(float(model.optimizer.learning_rate), abs=1e-9)
