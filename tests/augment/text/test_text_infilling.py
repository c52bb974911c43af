import math

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable, text_infilling
from keras_ssl.random import RowDraws

PAD, BEGIN, END, MASK = range(4)


@pytest.fixture(scope="module")
def framed(table):
    """The table with a start and an end token."""
    return TokenTable.from_config({**table.get_config(), "start_id": BEGIN, "end_id": END})


def draws(rows):
    return RowDraws(seed=3, step=5, rows=rows)


def infilled(rows, table, **options):
    return text_infilling(tf.constant(rows), table, draws(len(rows)), **options).numpy()


def poisson(mean):
    chances, k = [], 0
    while True:
        chances.append(math.exp(-mean) * mean**k / math.factorial(k))
        if k >= mean and chances[-1] < 1e-7:
            return np.cumsum(chances) / np.sum(chances)
        k += 1


def as_fairseq_does(row, words, sizes, order, insert_order, rate=0.3):
    """Row by row with Python's lists: `sizes`, `order` and `insert_order` are what it would draw."""
    count = words.max() + 1
    budget = math.ceil(count * rate)
    spans, inserts = [], 0
    while budget > sum(spans):
        size = min(next(sizes), budget - sum(spans))
        spans, inserts = ([*spans, size], inserts) if size else (spans, inserts + 1)
    source, keep = row.copy(), row != PAD
    starts = [order[number] for number in range(len(spans))]
    for start in starts:
        source[np.flatnonzero(words == start)[0]] = MASK
    for start, size in zip(starts, spans, strict=True):
        covered = np.isin(words, range(start, start + size))
        covered[np.flatnonzero(words == start)[0]] = False  # its own mask stays, unless another span runs over it
        keep &= ~covered
    found = source[keep].tolist()
    inserts = min(inserts, len(row) - len(found))
    places = [place for place in insert_order if 1 <= place < len(found) + inserts - 1][:inserts]
    for place in sorted(places):
        found.insert(place, MASK)
    return found + [PAD] * (len(row) - len(found)), sum(spans), inserts


def test_spans_are_those_of_fairseq(framed, sentences):
    rows = sentences[:300]
    rng = draws(len(rows))
    uniform = rng.uniform("sizes", shape=(round(0.3 * 128) + 9,)).numpy()
    starts, places = rng.uniform("starts", shape=(128,)).numpy(), rng.uniform("inserts", shape=(128,)).numpy()
    words = framed.word_ids(tf.constant(rows)).numpy()
    cumulative, inserted = poisson(3.0).astype("float32"), 0
    for index, found in enumerate(infilled(rows, framed)):
        sizes = iter(np.searchsorted(cumulative, uniform[index], side="right"))
        order = np.argsort(starts[index][: words[index].max() + 1], kind="stable")
        inserts = np.argsort(places[index], kind="stable")
        expected, _, masks = as_fairseq_does(rows[index], words[index], sizes, order, inserts)
        assert found.tolist() == expected
        inserted += masks
    assert inserted > 50


def test_shares_are_those_of_the_rule_over_a_hundred_thousand_pieces(framed, sentences):
    """Against the same rule with random numbers of its own."""
    assert (sentences != PAD).sum() > 90_000
    rng = np.random.default_rng(0)
    words = framed.word_ids(tf.constant(sentences)).numpy()
    cumulative = poisson(3.0)
    expected = []
    for row, numbers in zip(sentences, words, strict=True):
        sizes = iter(np.searchsorted(cumulative, rng.random(200), side="right"))
        order, inserts = rng.permutation(numbers.max() + 1), rng.permutation(128)
        expected.append(as_fairseq_does(row, numbers, sizes, order, inserts)[0])
    found, expected = infilled(sentences, framed), np.array(expected)
    for count in (lambda rows: (rows == MASK).sum(), lambda rows: (rows > 4).sum()):
        assert count(found) == pytest.approx(count(expected), rel=0.02)
    # Some 30 % of the words, less where spans meet.
    assert 0.72 < (found > 4).sum() / (sentences > 4).sum() < 0.78


@pytest.mark.parametrize("mean_span", [1.0, 0.5])
def test_short_spans_hide_the_share_too(mean_span):
    """Many lengths are 0, so it takes many draws; against the same rule, which draws until there are enough."""
    rows, words = np.full((500, 500), 9, "int32"), np.arange(500)
    rng, cumulative, left = np.random.default_rng(0), poisson(mean_span), 0
    for row in rows:
        sizes = iter(np.searchsorted(cumulative, rng.random(2000), side="right"))
        expected, total, _ = as_fairseq_does(row, words, sizes, rng.permutation(500), rng.permutation(500))
        left += expected.count(9)
        assert total == 150
    found = infilled(rows, TokenTable(10, (PAD, BEGIN, END, MASK), mask_id=MASK), mean_span=mean_span)
    assert rows.size - (found == 9).sum() == pytest.approx(rows.size - left, rel=0.005)


def test_what_is_left_is_the_text_in_its_order_between_start_and_end(framed, sentences):
    found = infilled(sentences, framed)
    assert found.shape == sentences.shape
    for row, left in zip(sentences, found, strict=True):
        left = left[left != PAD]
        assert (left[0], left[-1]) == (BEGIN, END)
        assert (left == 4).sum() == (row == 4).sum()
        others = iter(row.tolist())
        assert all(piece in others for piece in left[left != MASK].tolist())  # a subsequence


def test_every_text_has_a_mask(framed, sentences):
    known = np.where(sentences == 4, 5, sentences)
    assert (infilled(known, framed) == MASK).any(axis=1)[(known > 4).any(axis=1)].all()


def test_a_full_row_keeps_its_end(framed):
    rows = np.tile(np.array([[BEGIN, 10, END]], "int32"), (2000, 1))
    found = infilled(rows, framed)
    np.testing.assert_array_equal(found, np.tile([[BEGIN, MASK, END]], (2000, 1)))


def test_with_room_masks_are_inserted_where_nothing_is_missing(framed):
    """One word: each length 0 that is drawn before the first other is one more mask."""
    rows = np.tile(np.array([[BEGIN, 10, END, PAD, PAD, PAD]], "int32"), (20_000, 1))
    masks = (infilled(rows, framed) == MASK).sum(axis=1)
    zero = math.exp(-3.0)
    assert (masks == 1).mean() == pytest.approx(1 - zero, abs=0.006)
    assert (masks == 2).mean() == pytest.approx(zero * (1 - zero), abs=0.006)


def test_given_words_are_hidden_whole(framed):
    rows = np.tile(np.array([[BEGIN, 10, 11, 13, 14, 16, 17, END]], "int32"), (500, 1))
    words = np.tile(np.array([[-1, 0, 0, 0, 1, 1, 1, -1]], "int32"), (500, 1))
    found = infilled(rows, framed, word_ids=tf.constant(words))
    for row in found:
        left = row[(row != PAD) & (row != MASK)].tolist()
        assert left in ([BEGIN, 10, 11, 13, END], [BEGIN, 14, 16, 17, END])


def test_rows_of_nothing_but_special_ids_stay(framed):
    rows = np.array([[BEGIN, END, PAD], [PAD, PAD, PAD]], "int32")
    np.testing.assert_array_equal(infilled(rows, framed), rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0.0}, r"`rate` must be in \(0, 1\). Received: rate=0.0"),
        ({"mean_span": 0.0}, "`mean_span` must be positive. Received: mean_span=0.0"),
    ],
)
def test_refuses(framed, options, message):
    with pytest.raises(ValueError, match=message):
        infilled(np.array([[5, 6, 7]], "int32"), framed, **options)


def test_refuses_a_vocabulary_without_mask():
    with pytest.raises(ValueError, match="`table` must have a mask token. Received: mask_id=None"):
        infilled(np.array([[5, 6, 7]], "int32"), TokenTable(9, (0,)))
