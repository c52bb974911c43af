import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.random import RowDraws, step_seeds

DRAWS = {
    "bits": lambda rng: rng.bits("draw", (3,)),
    "uniform": lambda rng: rng.uniform("draw", shape=(3,)),
    "uniform_between": lambda rng: rng.uniform("draw", -0.3, 1.7, shape=(3,)),
    "normal": lambda rng: rng.normal("draw", (3,)),
    "bernoulli": lambda rng: rng.bernoulli("draw", 0.3, (3,)),
    "integers": lambda rng: rng.integers("draw", -5, 100, (3,)),
    "permutation": lambda rng: rng.permutation("draw", 12),
}
every_draw = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
ROWS = 100_000


def assert_same(draw, found, expected):
    """To the bit; but for `normal`, since vectorised and compiled logarithms and cosines round differently."""
    if draw is DRAWS["normal"]:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    else:
        np.testing.assert_array_equal(found, expected)


def assert_uniform(counts):
    """The chi-square of counts that should be equal stays within six standard deviations of its mean."""
    expected = counts.sum() / len(counts)
    freedom = len(counts) - 1
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert abs(statistic - freedom) < 6 * np.sqrt(2 * freedom)


@pytest.mark.parametrize("bit", [0, 7, 8, 15, 31])
def test_bits_are_fair(bit):
    ones = (RowDraws(1, 2, ROWS).bits("draw").numpy() >> bit) & 1
    assert abs(ones.mean() - 0.5) < 5 * 0.5 / np.sqrt(ROWS)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-2.0, 3.0), (0.08, 1.0)])
def test_uniform_is_flat_from_low_to_high(low, high):
    drawn = RowDraws(1, 2, ROWS).uniform("draw", low, high).numpy()
    assert drawn.dtype == np.float32
    assert np.float32(low) <= drawn.min()
    assert drawn.max() <= np.float32(high)
    assert_uniform(np.histogram(drawn, bins=50, range=(low, high))[0])


def test_uniform_below_one_stays_below_one():
    largest = RowDraws(1, 2, 2_000_000).uniform("draw").numpy().max()
    assert 1 - 1e-5 < largest < 1


def test_normal_has_the_moments_of_a_normal():
    drawn = RowDraws(1, 2, ROWS // 2).normal("draw", (2,)).numpy().astype("float64")
    assert np.isfinite(drawn).all()
    for power, moment in {1: 0, 2: 1, 3: 0, 4: 3, 6: 15}.items():
        spread = np.sqrt((drawn ** (2 * power)).mean() / drawn.size)
        assert abs((drawn**power).mean() - moment) < 5 * spread
    assert abs(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1]) < 5 / np.sqrt(len(drawn))


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.8, 1.0])
def test_bernoulli_is_true_as_often_as_asked(probability):
    drawn = RowDraws(1, 2, ROWS).bernoulli("draw", probability).numpy()
    assert drawn.dtype == bool
    assert abs(drawn.mean() - probability) <= 5 * np.sqrt(probability * (1 - probability) / ROWS)


@pytest.mark.parametrize(("low", "high"), [(0, 4), (-3, 7), (5, 6)])
def test_integers_take_every_value_equally_often(low, high):
    drawn = RowDraws(1, 2, ROWS).integers("draw", low, high).numpy()
    assert drawn.dtype == np.int32
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == list(range(low, high))
    if high - low > 1:
        assert_uniform(counts)


@pytest.mark.parametrize(("low", "high"), [(0, 2**31 - 1), (-(2**31), 0), (-(2**30), 2**30)])
def test_integers_of_a_large_span_neither_overflow_nor_bunch(low, high):
    drawn = RowDraws(1, 2, ROWS).integers("draw", low, high).numpy().astype("int64")
    assert low <= drawn.min()
    assert drawn.max() < high
    assert_uniform(np.histogram(drawn, bins=50, range=(low, high))[0])


def test_integers_may_have_bounds_that_are_tensors():
    drawn = RowDraws(1, 2, 1000).integers("draw", tf.constant(2), tf.constant(5)).numpy()
    assert set(drawn) == {2, 3, 4}


def test_permutations_are_permutations_and_each_place_is_fair():
    drawn = RowDraws(1, 2, 20_000).permutation("draw", 5).numpy()
    assert drawn.dtype == np.int32
    np.testing.assert_array_equal(np.sort(drawn, axis=1), np.tile(np.arange(5), (20_000, 1)))
    for place in drawn.T:
        assert_uniform(np.bincount(place))


def test_streams_are_independent():
    def stream(seed=1, step=2, child=None, name="draw"):
        rng = RowDraws(seed, step, 20_000)
        return (rng.child(child) if child else rng).uniform(name).numpy()

    streams = [
        stream(),
        stream(seed=2),
        stream(seed=-1),
        stream(seed=2**70),
        stream(step=3),
        stream(step=0),
        stream(name="other"),
        stream(child="view_0"),
        stream(child="view_1"),
        stream(child="draw"),
    ]
    between = np.corrcoef(streams) - np.eye(len(streams))
    assert np.abs(between).max() < 5 / np.sqrt(20_000)


def test_neighbouring_rows_and_values_are_independent():
    drawn = RowDraws(1, 2, 20_000).uniform("draw", shape=(2,)).numpy()
    pairs = [(drawn[:-1, 0], drawn[1:, 0]), (drawn[:, 0], drawn[:, 1]), (drawn[:-1, 1], drawn[1:, 0])]
    for a, b in pairs:
        assert abs(np.corrcoef(a, b)[0, 1]) < 5 / np.sqrt(len(a))


@every_draw
def test_the_first_rows_do_not_depend_on_how_many_follow(draw):
    whole = draw(RowDraws(1, 2, 1000)).numpy()
    for rows in (1, 7, 999):
        assert_same(draw, draw(RowDraws(1, 2, rows)).numpy(), whole[:rows])


@every_draw
@pytest.mark.parametrize("replica_type", [int, tf.constant], ids=["int", "tensor"])
def test_replicas_share_out_the_rows_of_the_whole(draw, replica_type):
    parts = [draw(RowDraws(1, 2, 10, replica_type(replica))).numpy() for replica in range(3)]
    assert_same(draw, np.concatenate(parts), draw(RowDraws(1, 2, 30)).numpy())


@every_draw
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
def test_compiled_draws_equal_eager_ones_to_the_bit(draw, jit):
    @tf.function(jit_compile=jit)
    def compiled(step):
        return draw(RowDraws(1, step, 500))

    for step in (0, 2, 2**40):  # a tensor, so that nothing is folded into a constant
        expected = draw(RowDraws(1, step, 500)).numpy()
        assert_same(draw, compiled(tf.constant(step, "int64")).numpy(), expected)


@every_draw
def test_the_place_of_a_replica_may_be_known_to_the_device_alone(draw):
    @tf.function(jit_compile=True)
    def compiled(replica):
        return draw(RowDraws(1, 2, 4, replica, replicas=3))

    whole = draw(RowDraws(1, 2, 12)).numpy()
    for replica in range(3):
        found = compiled(tf.constant(replica, "int32")).numpy()
        assert_same(draw, found, whole[4 * replica : 4 * replica + 4])


@every_draw
def test_inside_a_data_pipeline_the_draws_are_the_same(draw):
    dataset = tf.data.Dataset.range(3).map(lambda step: draw(RowDraws(1, step, 8)))
    for step, found in enumerate(dataset):
        assert_same(draw, found.numpy(), draw(RowDraws(1, step, 8)).numpy())


@every_draw
@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_rows_may_be_a_tensor(draw, dtype):
    @tf.function
    def drawn(rows, replica):
        return draw(RowDraws(1, 2, rows, replica))

    whole = draw(RowDraws(1, 2, 12)).numpy()
    for rows in (4, 6):
        found = drawn(tf.constant(rows, dtype), tf.constant(1, "int32")).numpy()
        assert_same(draw, found, whole[rows : 2 * rows])


@every_draw
def test_shapes_are_static_where_rows_is_an_int(draw):
    shapes = []

    @tf.function
    def trace(replica):
        shapes.append(draw(RowDraws(1, 2, 4, replica)).shape)

    trace(tf.constant(1))
    assert shapes[0].as_list() == [4, 12 if draw is DRAWS["permutation"] else 3]


@pytest.mark.parametrize("seed", [1.0, "1", True, None, np.int64(1)])
def test_refuses_a_seed_that_is_no_int(seed):
    with pytest.raises(ValueError, match=r"`seed` must be a Python int. Received: seed="):
        RowDraws(seed, 0, 4)


@pytest.mark.parametrize(
    "draw_twice",
    [
        lambda rng: (rng.uniform("a"), rng.normal("a")),
        lambda rng: (rng.child("a"), rng.child("a")),
        lambda rng: (rng.child("a").bits("b"), rng.bits("a/b")),
        lambda rng: (rng.child("a").bits("b/c"), rng.child("a/b").bits("c")),
    ],
    ids=["draws", "children", "path", "split path"],
)
def test_refuses_to_draw_the_same_stream_twice(draw_twice):
    with pytest.raises(ValueError, match=r"needs a `name` of its own. Received twice: name='a"):
        draw_twice(RowDraws(1, 2, 4))


@pytest.mark.parametrize(("low", "high"), [(3, 3), (3, 2)])
def test_integers_refuses_an_empty_span(low, high):
    with pytest.raises(ValueError, match=f"`high` must be above `low`. Received: low={low}, high={high}"):
        RowDraws(1, 2, 4).integers("draw", low, high)


def test_step_seeds_differ_for_layers_steps_replicas_names_and_seeds():
    calls = [
        step_seeds(seed, name, 5, step, replica).numpy()
        for seed in (0, 1)
        for name in ("layers/train", "layers/test")
        for step in range(10)
        for replica in range(4)
    ]
    seeds = np.concatenate(calls)
    assert seeds.dtype == np.int64
    assert seeds.min() >= 0
    assert seeds.max() < 2**31
    assert len(np.unique(seeds, axis=0)) == len(seeds) == 5 * 2 * 2 * 10 * 4
    assert len(np.unique(seeds)) > 0.999 * seeds.size


def test_step_seeds_take_a_tensor_step():
    compiled = tf.function(lambda step, replica: step_seeds(1, "layers", 3, step, replica))
    found = compiled(tf.constant(7, "int64"), tf.constant(1)).numpy()
    np.testing.assert_array_equal(found, step_seeds(1, "layers", 3, 7, 1).numpy())


def test_shared_draws_are_the_same_on_every_replica_and_independent_of_others():
    first, second = (
        RowDraws(seed=1, step=2, rows=2, replica=replica, replicas=2).shared("directions", 5).normal("x", shape=(3,))
        for replica in (0, 1)
    )
    assert first.shape == (5, 3)
    np.testing.assert_array_equal(first, second)
    own = RowDraws(seed=1, step=2, rows=5).normal("x", shape=(3,))
    assert not np.allclose(first, own)
