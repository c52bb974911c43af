import keras
import pytest

from keras_ssl.schedules import Clock, StepDecay


@pytest.mark.parametrize("total", [5, 10, 200, 500_000])
def test_falls_exactly_at_the_shares(total):
    rate = StepDecay(2.0, boundaries=(0.6, 0.8), factor=0.5, total_steps=total)
    for share, before, after in ((0.6, 2.0, 1.0), (0.8, 1.0, 0.5)):
        step = round(share * total)
        assert float(rate(step - 1)) == before
        assert float(rate(step)) == after
    assert float(rate(0)) == 2.0


def test_reads_the_length_and_the_batch_from_the_clock():
    rate, clock = StepDecay(0.5, boundaries=(0.5,), reference_batch_size=256), Clock()
    rate.bind(clock)
    assert float(rate(7)) == 0.5  # nothing is planned yet
    clock.total_steps.assign(10)
    clock.global_batch_size.assign(512)
    assert [round(float(rate(step)), 6) for step in (0, 4, 5, 9)] == [1.0, 1.0, 0.1, 0.1]


def test_without_boundaries_it_is_constant_and_needs_no_clock():
    rate = StepDecay(0.5)
    assert [float(rate(step)) for step in (0, 1000)] == [0.5, 0.5]


def test_round_trips():
    rate = StepDecay(0.5, boundaries=(0.25,), factor=0.2, total_steps=8, reference_batch_size=64)
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(rate))
    assert loaded.get_config() == rate.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"boundaries": (0.5, 1.0)}, r"`boundaries` must be in \(0, 1\). Received: boundaries=\(0.5, 1.0\)"),
        ({"factor": 0.0}, "`factor` must be positive. Received: factor=0.0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        StepDecay(1.0, **arguments)
