import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable, span_corruption
from keras_ssl.random import RowDraws

END, PAD = 2, 0
SENTINELS = range(299, 199, -1)  # fast to look into
both = pytest.mark.parametrize("roll", [False, True])


@pytest.fixture(scope="module")
def ended(table):
    """The table with a start and an end token."""
    return TokenTable.from_config({**table.get_config(), "start_id": 1, "end_id": END})


@pytest.fixture(scope="module")
def known(sentences, ended):
    """The sentences without the piece for unknown text."""
    return np.where(sentences == 4, 5, sentences)


def corrupted(rows, table, sentinels=SENTINELS, **options):
    rng = RowDraws(seed=3, step=5, rows=len(rows))
    left, target = span_corruption(tf.constant(rows), table, rng, sentinels, **options)
    return left.numpy(), target.numpy()


def put_together(left, target):
    """The text: each sentinel replaced by what stands behind it in the target."""
    spans, name = {}, None
    for piece in target[target != PAD].tolist():
        if piece in SENTINELS:
            name = piece
            spans[name] = []
        elif name is not None:
            spans[name].append(piece)
    if name is not None:
        assert spans[name].pop() == END
    assert list(spans) == list(SENTINELS[: len(spans)])
    found = []
    for piece in left.tolist():
        found += spans.pop(piece) if piece in SENTINELS else [piece]
    assert not spans
    return found


def rule(pieces, rate=0.15, mean_span=3.0):
    """T5's code in Python's own arithmetic."""
    noise = min(max(round(rate * max(pieces, 2)), 1), max(pieces, 2) - 1)
    return (noise, max(round(noise / mean_span), 1)) if pieces > 1 else (0, 0)


@both
def test_input_and_target_make_the_text(known, ended, roll):
    left, target = corrupted(known, ended, roll=roll)
    for row, some, rest in zip(known, left, target, strict=True):
        text = row[row != PAD].tolist()
        assert [piece for piece in put_together(some, rest) if piece != PAD] == text


@both
def test_pieces_and_spans_are_as_many_as_the_rule_says(known, ended, roll):
    assert (known != PAD).sum() > 90_000
    left, target = corrupted(known, ended, roll=roll)
    pieces = (~np.isin(known, ended.special_ids)).sum(axis=1)
    noise, spans = np.array([rule(int(one)) for one in pieces]).T
    np.testing.assert_array_equal((~np.isin(target, (*SENTINELS, PAD, END))).sum(axis=1), noise)
    found = np.isin(left, SENTINELS).sum(axis=1)
    np.testing.assert_array_equal(np.isin(target, SENTINELS).sum(axis=1), found)
    cut = found - spans
    assert ((cut == 0) | ((cut == 1) & roll)).all()
    assert cut.any() == roll
    assert noise.sum() / pieces.sum() == pytest.approx(0.15, abs=0.002)
    assert target.shape[1] == sum(rule(128)) + 1 + roll


def test_special_ids_stay(sentences, ended):
    left, target = corrupted(sentences, ended, rate=0.5)
    assert (sentences == 4).sum() > 300
    for special in (1, 3, 4, END):
        np.testing.assert_array_equal((left == special).sum(axis=1), (sentences == special).sum(axis=1))
    assert not np.isin(target, (1, 3, 4)).any()


def test_each_way_to_part_the_pieces_is_as_likely(ended):
    """Eight pieces, four of them taken out in two spans: three ways for these, three for the others."""
    rows = np.tile(np.arange(10, 18, dtype="int32"), (9000, 1))
    _, target = corrupted(rows, ended, rate=0.5, mean_span=2.0)
    expected = set()
    for stays, goes in itertools.product((1, 2, 3), (1, 2, 3)):
        expected.add((False,) * stays + (True,) * goes + (False,) * (4 - stays) + (True,) * (4 - goes))
    masks, counts = np.unique([np.isin(rows[0], one) for one in target], axis=0, return_counts=True)
    assert {tuple(mask.tolist()) for mask in masks} == expected
    # Chi-squared with 8 degrees of freedom is above 26 once in 1,000.
    assert ((counts - 1000) ** 2 / 1000).sum() < 26


def test_one_span_is_always_the_last_unless_rolled(ended):
    rows = np.tile(np.arange(10, 22, dtype="int32"), (6000, 1))  # of twelve pieces two go
    assert (corrupted(rows, ended)[1][:, 1:3] == [20, 21]).all()
    rolled = corrupted(rows, ended, roll=True)[1]
    shares = [(rolled == piece).any(axis=1).mean() for piece in rows[0]]
    np.testing.assert_allclose(shares, 2 / 12, atol=4 * np.sqrt(1 / 6 * 5 / 6 / 6000))


@both
def test_what_is_taken_out_cannot_be_seen(known, ended, roll):
    first = corrupted(known, ended, roll=roll)
    changed = known.copy()
    for row, target in enumerate(first[1]):
        # By place, for a piece may stand in a text twice: the spans are found where the text is put together.
        marked = np.where(known[row] == PAD, PAD, 1000 + np.arange(128))
        spans = _places(first[0][row], target, known[row], marked)
        changed[row, spans] = 5 + (changed[row, spans] - 4) % 195
    second = corrupted(changed, ended, roll=roll)
    np.testing.assert_array_equal(first[0], second[0])
    assert (first[1] != second[1]).any()
    taken = ~np.isin(first[1], (*SENTINELS, PAD, END))
    assert (first[1] != second[1])[taken].all()


def _places(left, target, row, marked):
    """Places of the row that were taken out."""
    found, place = [], 0
    sizes = {}
    for piece in target[target != PAD].tolist():
        if piece in SENTINELS:
            name, sizes[piece] = piece, 0
        elif piece != END:
            sizes[name] += 1
    for piece in left[left != PAD].tolist():
        if piece in SENTINELS:
            found += range(place, place + sizes[piece])
            place += sizes[piece]
        else:
            assert row[place] == piece
            assert marked[place] == 1000 + place
            place += 1
    return found


def test_a_row_of_one_piece_or_none_has_no_target(ended):
    left, target = corrupted(np.array([[1, 9, 2, 0], [1, 2, 0, 0], [0, 0, 0, 0]], "int32"), ended)
    np.testing.assert_array_equal(left, [[1, 9, 2, 0], [1, 2, 0, 0], [0, 0, 0, 0]])
    assert not target.any()


def test_there_are_no_more_spans_than_sentinels(known, ended):
    for roll, sentinels in ((False, SENTINELS[:2]), (True, SENTINELS[:3])):
        left, target = corrupted(known, ended, sentinels, roll=roll)
        assert np.isin(left, SENTINELS).sum(axis=1).max() == len(sentinels)
        for row, some, rest in zip(known[:100], left, target, strict=False):
            assert [piece for piece in put_together(some, rest) if piece] == row[row != PAD].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1.0}, r"`rate` must be in \(0, 1\). Received: rate=1.0"),
        ({"mean_span": 0.5}, "`mean_span` must be at least 1. Received: mean_span=0.5"),
        ({"sentinels": ()}, "`sentinel_ids` must have more than 0 entries"),
        ({"sentinels": (9,), "roll": True}, r"`sentinel_ids` must have more than 1 entries. .*\(9,\)"),
    ],
)
def test_refuses(ended, options, message):
    with pytest.raises(ValueError, match=message):
        corrupted(np.array([[5, 6, 7]], "int32"), ended, **options)


def test_refuses_a_vocabulary_without_end(table):
    with pytest.raises(ValueError, match="`table` must have an end token"):
        corrupted(np.array([[5, 6, 7]], "int32"), table)
