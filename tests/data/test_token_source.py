import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.data import TokenSource
from keras_ssl.distribution import Slices

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
BATCH, ROWS = 4, 103
EPOCH = ROWS // BATCH


@pytest.fixture
def rows():
    """Text `n` is the number 100 + n, repeated: 0 to 40 times."""
    return [[100 + row] * length for row, length in enumerate(np.random.default_rng(3).integers(0, 41, ROWS))]


@pytest.fixture
def source(make_tokens, rows):
    return make_tokens(rows, labels=np.arange(ROWS) % 5, max_length=32, window=6)


def taken(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def indices(dataset, count):
    return np.stack([batch["index"] for batch in taken(dataset, count)])


def expected(row, length, max_length=32):
    ids = [BEGIN, *row[: max_length - 2], END]
    return ids + [PAD] * (length - len(ids))


@pytest.mark.parametrize("buckets", [8, (10, 20), None])
def test_a_batch_holds_the_rows_that_its_index_names(make_tokens, rows, buckets):
    source = make_tokens(rows, labels=np.arange(ROWS) % 5, max_length=32, window=6, buckets=buckets)
    for batch in [*taken(source.batches(BATCH, seed=3), 2 * EPOCH), *source.ordered(BATCH).as_numpy_iterator()]:
        ids = batch["x"]["token_ids"]
        assert ids.dtype == np.int32
        for index, row in zip(batch["index"], ids, strict=True):
            assert row.tolist() == expected(rows[index], ids.shape[1])
        np.testing.assert_array_equal(batch["y"], batch["index"] % 5)


def test_lengths_are_the_smallest_bucket_that_holds_the_longest_row(make_tokens, rows):
    for buckets, bounds in ((8, [8, 16, 24, 32]), ((10, 20), [10, 20, 32]), (None, [32]), (64, [32])):
        source = make_tokens(rows, max_length=32, buckets=buckets)
        for batch in taken(source.batches(BATCH), EPOCH):
            longest = max(min(len(rows[index]) + 2, 32) for index in batch["index"])
            assert batch["x"]["token_ids"].shape[1] == min(bound for bound in bounds if bound >= longest)


@pytest.mark.parametrize("start", [1, 5, 6, 7, EPOCH - 1, EPOCH, 2 * EPOCH + 3])
def test_any_batch_can_be_the_first(source, start):
    from_zero = taken(source.batches(BATCH, seed=7), start + 9)[start:]
    for one, other in zip(taken(source.batches(BATCH, seed=7, start=start), 9), from_zero, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


def test_an_epoch_repeats_no_row_and_over_epochs_none_is_left_out(source):
    seen = set()
    for epoch in range(8):
        rows = indices(source.batches(BATCH, seed=1, start=epoch * EPOCH), EPOCH).ravel()
        assert len(set(rows)) == EPOCH * BATCH
        seen |= set(rows.tolist())
    assert seen == set(range(ROWS))


def test_the_order_depends_on_seed_and_epoch_alone(source):
    first, second = np.split(indices(source.batches(BATCH, seed=1), 2 * EPOCH), 2)
    assert (first != second).any()
    assert (first != indices(source.batches(BATCH, seed=2), EPOCH)).any()
    np.testing.assert_array_equal(first, indices(source.batches(BATCH, seed=1), EPOCH))
    assert set(first.ravel()) != set(range(EPOCH * BATCH))


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("buckets", [8, None])
def test_slices_make_the_batch_and_have_its_length(make_tokens, rows, start, buckets):
    source = make_tokens(rows, max_length=32, window=6, buckets=buckets)
    whole = [batch["x"]["token_ids"] for batch in taken(source.batches(BATCH, seed=3, start=start), 30)]
    first = taken(source.batches(BATCH, seed=3, start=start, slices=Slices((0,), 4)), 30)
    others = taken(source.batches(BATCH, seed=3, start=start, slices=Slices((1, 2, 3), 4)), 90)
    for number, batch in enumerate(whole):
        parts = [part["x"]["token_ids"] for part in [first[number], *others[3 * number : 3 * number + 3]]]
        np.testing.assert_array_equal(np.concatenate(parts), batch)


def padding(source, batches):
    ids = [batch["x"]["token_ids"] for batch in taken(source.batches(BATCH), batches)]
    return sum((one == PAD).sum() for one in ids) / sum(one.size for one in ids)


def test_sorting_a_window_by_length_leaves_less_padding(make_tokens, rows):
    share = {
        (buckets, window): padding(make_tokens(rows, max_length=32, buckets=buckets, window=window), EPOCH)
        for buckets, window in ((None, 1), (4, 1), (4, EPOCH))
    }
    assert share[4, 1] < share[None, 1]
    assert share[4, EPOCH] < 0.5 * share[4, 1]


def test_batches_of_a_window_do_not_come_in_the_order_of_their_length(source):
    lengths = np.array([batch["x"]["token_ids"].shape[1] for batch in taken(source.batches(BATCH, seed=2), EPOCH)])
    assert (np.diff(lengths[:6]) < 0).any() or (np.diff(lengths[6:12]) < 0).any()
    assert (np.diff(lengths) > 0).any()


def test_words_are_numbered_in_each_row(make_tokens):
    rows, continues = [[10, 11, 12, 13], [14, 15]], [[False, True, False, True], [False, False]]
    source = make_tokens(rows, continues=continues, max_length=5)
    words = next(source.ordered(2).as_numpy_iterator())["x"]["word_ids"]
    assert words.tolist() == [[-1, 0, 0, 1, -1], [-1, 0, 1, -1, -1]]


def test_start_and_end_may_be_missing(make_tokens):
    for start_id, end_id, row in (
        (None, END, [10, 11, END]),
        (BEGIN, None, [BEGIN, 10, 11]),
        (None, None, [10, 11, 12]),
    ):
        source = make_tokens([[10, 11, 12, 13]], start_id=start_id, end_id=end_id, max_length=3)
        assert next(source.ordered(1).as_numpy_iterator())["x"]["token_ids"].tolist() == [row]


def test_a_subset_is_numbered_anew(source, rows):
    subset = source.subset([20, 7, 11])
    batch = next(subset.ordered(3).as_numpy_iterator())
    assert isinstance(subset, TokenSource)
    assert [row[1] for row in batch["x"]["token_ids"]] == [120, 107, 111]
    np.testing.assert_array_equal(batch["index"], [0, 1, 2])
    np.testing.assert_array_equal(batch["y"], [0, 2, 1])
    assert len(subset.take(2)) == 2
    assert indices(subset.batches(3), 2).tolist()


def test_shapes_are_static_where_all_rows_have_one_length(make_tokens, rows):
    spec = make_tokens(rows, max_length=32, buckets=None).batches(BATCH).element_spec
    assert spec["x"] == {"token_ids": tf.TensorSpec((BATCH, 32), "int32")}
    assert make_tokens(rows).batches(BATCH).element_spec["x"]["token_ids"].shape.as_list() == [BATCH, None]


def test_ids_stay_on_disk(source):
    base = source.store._ids
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_length": 2}, "`max_length` must be a whole number of at least 3. Received: max_length=2"),
        ({"buckets": 0}, "`buckets` must be a whole number of at least 1. Received: buckets=0"),
        ({"buckets": (20, 10)}, r"`buckets` must be whole numbers in rising order. Received: buckets=\(20, 10\)"),
        ({"window": 0}, "`window` must be a whole number of at least 1. Received: window=0"),
    ],
)
def test_refuses(make_tokens, arguments, message):
    with pytest.raises(ValueError, match=message):
        make_tokens([[10]], **arguments)


def test_refuses_a_folder_that_is_none_of_its_own(tmp_path):
    with pytest.raises(ValueError, match="`folder` must be one that `data.tokenize` wrote, whole and unchanged"):
        TokenSource(tmp_path)
