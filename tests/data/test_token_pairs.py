import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import data
from keras_ssl.data import PackedSource, SegmentPairs
from keras_ssl.data.token_pairs import TokenPairs
from keras_ssl.distribution import Slices

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
BATCH, ROWS = 4, 61
EPOCH = ROWS // BATCH


@pytest.fixture
def rows():
    """Text `n` of the first side is 100 + n, of the second 1000 + n, repeated: 0 to 11 and 0 to 40 times."""
    rng = np.random.default_rng(3)
    return tuple(
        [[number + row] * length for row, length in enumerate(rng.integers(0, most, ROWS))]
        for number, most in ((100, 12), (1000, 41))
    )


@pytest.fixture
def source(make_tokens, rows):
    return pairs_of(make_tokens, rows)


def pairs_of(make_tokens, rows, **arrangement):
    arrangement = {"max_length": 32, "window": 6, **arrangement}
    first = make_tokens(rows[0], labels=np.arange(ROWS) % 5, **arrangement)
    return TokenPairs(first, make_tokens(rows[1], **arrangement))


def taken(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def ids_of(batch):
    return [view["token_ids"] for view in batch["views"]]


@pytest.mark.parametrize("buckets", [8, (10, 20), None])
def test_a_batch_holds_both_texts_of_the_pairs_that_its_index_names(make_tokens, rows, buckets):
    source = pairs_of(make_tokens, rows, buckets=buckets)
    for batch in [*taken(source.batches(BATCH, seed=3), 2 * EPOCH), *source.ordered(BATCH).as_numpy_iterator()]:
        assert set(batch) == {"views", "index", "y"}
        for ids, texts in zip(ids_of(batch), rows, strict=True):
            assert ids.dtype == np.int32
            for index, row in zip(batch["index"], ids, strict=True):
                packed = [BEGIN, *texts[index][:30], END]
                assert row.tolist() == packed + [PAD] * (len(row) - len(packed))
        np.testing.assert_array_equal(batch["y"], batch["index"] % 5)


def test_each_side_is_as_long_as_its_own_longest_text_needs(source, rows):
    lengths = []
    for batch in taken(source.batches(BATCH, seed=1), EPOCH):
        lengths.append([ids.shape[1] for ids in ids_of(batch)])
        longest = [max(min(len(texts[index]) + 2, 32) for index in batch["index"]) for texts in rows]
        assert lengths[-1] == [-(-one // 8) * 8 for one in longest]
    assert max(first for first, _ in lengths) == 16 < max(second for _, second in lengths)
    assert len({second for _, second in lengths}) > 2


@pytest.mark.parametrize("start", [1, 6, EPOCH + 3])
def test_any_batch_can_be_the_first(source, start):
    from_zero = taken(source.batches(BATCH, seed=7), start + 5)[start:]
    for one, other in zip(taken(source.batches(BATCH, seed=7, start=start), 5), from_zero, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)


@pytest.mark.parametrize("buckets", [8, None])
def test_slices_make_the_batch_and_have_its_lengths(make_tokens, rows, buckets):
    source = pairs_of(make_tokens, rows, buckets=buckets)
    parts = [taken(source.batches(BATCH, seed=3, slices=Slices((one,), 2)), EPOCH) for one in range(2)]
    for batch, *halves in zip(taken(source.batches(BATCH, seed=3), EPOCH), *parts, strict=True):
        for whole, *sides in zip(ids_of(batch), *map(ids_of, halves), strict=True):
            np.testing.assert_array_equal(np.concatenate(sides), whole)


def test_a_subset_is_numbered_anew(source, rows):
    subset = source.subset([20, 7])
    assert isinstance(subset, TokenPairs)
    assert repr(subset) == "<TokenPairs 'made-up': 2 pairs of at most 32 tokens>"
    batch = next(subset.ordered(2).as_numpy_iterator())
    assert [[row[1] for row in ids] for ids in ids_of(batch)] == [
        [(texts[index][0] if texts[index] else END) for index in (20, 7)] for texts in rows
    ]
    np.testing.assert_array_equal(batch["y"], [0, 2])


def test_pairs_of_texts_are_tokenized(tmp_path):
    pairs = data.PairSource(data.TextSource(["a cat", "the dog"], [1, 0]), data.TextSource(["it purred", "it barked"]))
    tokenizer = data.train_vocabulary(pairs, size=60, directory=tmp_path)
    tokens = data.tokenize(pairs, tokenizer, tmp_path, max_length=12)
    batch = next(tokens.ordered(2).as_numpy_iterator())
    for ids, texts in zip(ids_of(batch), (["a cat", "the dog"], ["it purred", "it barked"]), strict=True):
        assert [tokenizer.detokenize(row[row > MASK]) for row in ids] == texts
    assert batch["y"].tolist() == [1, 0]
    assert tokens.max_length == 12


def test_sim_cse_learns_from_them(source):
    from keras_hub.models import BertBackbone

    from keras_ssl import objectives

    backbone = BertBackbone(60_000, 1, 1, 8, 8, max_sequence_length=32, dropout=0.0)
    model = objectives.SimCSE(backbone, tokens=source.table, pooling="avg")
    model.compile()
    history = model.fit(source, batch_size=BATCH, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_refuses(make_tokens):
    one, two = make_tokens([[10]]), make_tokens([[10], [11]])
    with pytest.raises(ValueError, match="`first` and `second` must have as many texts. Received: 1 and 2 texts"):
        TokenPairs(one, two)
    with pytest.raises(ValueError, match="`first` and `second` must be of one vocabulary"):
        TokenPairs(one, make_tokens([[10]], end_id=None))
    for documents in (PackedSource, SegmentPairs):
        with pytest.raises(ValueError, match="`tokens` must be tokenized texts, for instance `pairs.first`"):
            documents(TokenPairs(two, two))
