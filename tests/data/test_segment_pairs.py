import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.data import SegmentPairs
from keras_ssl.data.segment_pairs import _cut_in_front, _fitting
from keras_ssl.distribution import Slices

PAD, UNKNOWN, BEGIN, END, MASK = range(5)
LENGTH = 24


@pytest.fixture
def corpus():
    """60 documents of 3 to 9 sentences of 0 to 9 ids; each id occurs once, in rising order."""
    rng, rows, documents, number = np.random.default_rng(5), [], [], 10
    for document in range(60):
        for length in rng.integers(0, 10, rng.integers(3, 10)):
            rows.append(list(range(number, number + length)))
            documents.append(document)
            number += length
    return rows, documents


@pytest.fixture
def pairs(make_tokens, corpus):
    rows, documents = corpus
    return SegmentPairs(make_tokens(rows, documents=documents), LENGTH)


def parts(x):
    """Each row's segments, and whether B is random."""
    for ids, segments, is_random in zip(x["token_ids"], x["segment_ids"], x["is_random"], strict=True):
        used = int((ids != PAD).sum())
        first, second = np.flatnonzero(ids == END)
        assert (ids[0], second, (ids[used:] == PAD).all()) == (BEGIN, used - 1, True)
        assert segments.tolist() == [0] * (first + 1) + [1] * (second - first) + [0] * (LENGTH - used)
        yield ids[1:first].tolist(), ids[first + 1 : second].tolist(), bool(is_random)


def taken(dataset, count):
    return list(dataset.take(count).as_numpy_iterator())


def epochs(pairs, count, batch_size=8):
    return [batch["x"] for batch in taken(pairs.batches(batch_size, seed=1), count * (len(pairs) // batch_size))]


def test_b_follows_a_or_is_of_another_document(pairs, corpus):
    document = {piece: number for row, number in zip(*corpus, strict=True) for piece in row}
    random = total = short = 0
    for x in epochs(pairs, 12):
        for a, b, is_random in parts(x):
            assert min(len(a), len(b)) > 0
            assert np.diff(a).tolist() == [1] * (len(a) - 1)  # a run of the corpus
            assert np.diff(b).tolist() == [1] * (len(b) - 1)
            assert is_random == (document[a[0]] != document[b[0]])
            if not is_random:
                assert a[-1] < b[0]
            random, total, short = random + is_random, total + 1, short + (len(a) + len(b) < (LENGTH - 3) / 2)
    assert total > 900
    # Half of them, and those whose run is one sentence.
    assert 0.5 < random / total < 0.62
    assert 0.02 < short / total < 0.25


def test_nothing_is_between_the_segments_but_what_was_cut(make_tokens):
    """Sentences of two ids and room for all: B begins where A ended."""
    rows = [[number, number + 1] for number in range(10, 90, 2)]
    pairs = SegmentPairs(make_tokens(rows, documents=np.arange(40) // 8), LENGTH, short_sequence_probability=0.0)
    cuts = set()
    for x in epochs(pairs, 30, batch_size=5):
        for a, b, is_random in parts(x):
            if not is_random:
                assert a + b == list(range(a[0], a[0] + 16))
                cuts.add(len(a))
    assert cuts == set(range(2, 16, 2))


def test_a_random_b_begins_at_any_sentence_of_its_document(make_tokens):
    """60 documents of 8 sentences of one id, with room for all: nothing is cut, and B goes to its document's end."""
    pairs = SegmentPairs(
        make_tokens([[number] for number in range(10, 490)], documents=np.arange(480) // 8),
        LENGTH,
        short_sequence_probability=0.0,
    )
    rows = [row for x in epochs(pairs, 30, batch_size=10) for row in parts(x)]
    begins = np.array([(b[0] - 10) % 8 for _, b, is_random in rows if is_random])
    assert len(begins) > 800
    assert np.bincount(begins, minlength=8) / len(begins) == pytest.approx(
        np.full(8, 1 / 8), abs=4 * np.sqrt(7 / 64 / len(begins))
    )


def bert_truncate(a, b, room, coins):
    """`truncate_seq_pair` of BERT's code: what is left of both, and how many were cut in front."""
    fronts = [0, 0]
    while len(a) + len(b) > room:
        longer = 0 if len(a) > len(b) else 1
        in_front = next(coins[longer])
        fronts[longer] += in_front
        (a, b)[longer].pop(0 if in_front else -1)
    return len(a), len(b), *fronts


def test_the_longer_one_is_cut_as_in_berts_code(rng):
    lengths = rng.integers(1, 40, (300, 2))
    words = rng.integers(0, 2**32, (2, 300, 2), dtype="uint32")
    keep_a, keep_b = _fitting(lengths[:, 0], lengths[:, 1], 21)
    fronts = [_cut_in_front(lengths[:, side] - keep, words[side]) for side, keep in enumerate((keep_a, keep_b))]
    for row, (a, b) in enumerate(lengths):
        coins = [iter(np.unpackbits(words[side, row].view("uint8"))) for side in range(2)]
        found = keep_a[row], keep_b[row], fronts[0][row], fronts[1][row]
        assert found == bert_truncate(list(range(a)), list(range(b)), 21, coins)


def test_short_runs_have_every_length_from_two_on(make_tokens):
    rows = [[number] for number in range(10, 610)]
    pairs = SegmentPairs(make_tokens(rows, documents=np.arange(600) // 100), 12, short_sequence_probability=1.0)
    lengths = [int((ids != PAD).sum()) - 3 for x in epochs(pairs, 20) for ids in x["token_ids"]]
    counts = np.bincount(lengths, minlength=10)
    assert counts[:2].sum() == 0
    assert counts[2:10].min() > 0.5 * counts[2:10].mean()


def test_every_run_gives_one_pair_an_epoch_and_another_in_the_next(pairs):
    size = len(pairs) // 8
    batches = taken(pairs.batches(8, seed=2), 2 * size)
    first, second = batches[:size], batches[size:]
    assert len({int(row) for batch in first for row in batch["index"]}) == 8 * size

    def by_row(batches):
        rows = (zip(one["index"], one["x"]["token_ids"], strict=True) for one in batches)
        return {int(row): ids.tolist() for batch in rows for row, ids in batch}

    first, second = by_row(first), by_row(second)
    same = [first[row] == second[row] for row in first if row in second]
    assert np.mean(same) < 0.3


def test_each_batch_has_draws_of_its_own(pairs):
    share = np.mean([x["is_random"] for x in epochs(pairs, 6)], axis=0)
    assert 0.2 < share.min() <= share.max() < 0.9


def test_runs_cover_the_corpus(pairs, corpus):
    """Each run ends where the next one of its document begins."""
    rows = [row for row in corpus[0] if row]
    starts = [rows[sentence][0] for sentence in pairs._runs]
    ends = [rows[end - 1][-1] + 1 for end in pairs._run_end(pairs._runs, LENGTH - 3)]
    assert starts[0] == 10
    assert starts[1:] == ends[:-1]


@pytest.mark.parametrize("start", [1, 9])
def test_any_batch_can_be_the_first_and_slices_make_it(pairs, start):
    whole = taken(pairs.batches(4, seed=7), start + 20)[start:]
    later = taken(pairs.batches(4, seed=7, start=start), 20)
    halves = taken(pairs.batches(4, seed=7, start=start, slices=Slices((0, 1), 2)), 40)
    for number, batch in enumerate(whole):
        tf.nest.map_structure(np.testing.assert_array_equal, later[number], batch)
        both = tf.nest.map_structure(lambda *two: np.concatenate(two), *halves[2 * number : 2 * number + 2])
        tf.nest.map_structure(np.testing.assert_array_equal, both, batch)


def test_ordered_and_subset(pairs):
    batches = list(pairs.ordered(8).as_numpy_iterator())
    assert np.concatenate([batch["index"] for batch in batches]).tolist() == list(range(len(pairs)))
    for batch in batches:
        assert list(parts(batch["x"]))
    subset = pairs.subset([5, 2])
    assert len(subset) == 2
    assert indices_of(subset) == {0, 1}


def indices_of(source):
    return {int(row) for row in next(source.batches(2).as_numpy_iterator())["index"]}


def test_refuses(make_tokens):
    rows = [[10], [11], [12]]
    with pytest.raises(ValueError, match="`tokens` must have two documents at least, to draw from. Received: 1"):
        SegmentPairs(make_tokens(rows, documents=[0, 0, 0]))
    with pytest.raises(ValueError, match="`tokens` must know documents, of several sentences each. Received: <Token"):
        SegmentPairs(make_tokens(rows))
    with pytest.raises(ValueError, match="must have a start and an end token. Received: start_id=None, end_id=3"):
        SegmentPairs(make_tokens(rows, documents=[0, 0, 1], start_id=None))
    with pytest.raises(ValueError, match=r"must be in \[0, 1\]. Received: short_sequence_probability=2"):
        SegmentPairs(make_tokens(rows, documents=[0, 0, 1]), short_sequence_probability=2)
