import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import SpanMask, TokenMask, TokenTable, corrupt
from keras_ssl.random import RowDraws


def draws(rows):
    return RowDraws(seed=3, step=5, rows=rows)


def corrupted(rows, table, sampler=None):
    ids, rng = tf.constant(rows), draws(len(rows))
    chosen, group = (sampler or TokenMask())(ids, table, rng)
    return chosen.numpy(), group.numpy(), corrupt(ids, chosen, group, table, rng).numpy()


def test_shares_are_those_of_the_rule_over_a_hundred_thousand_pieces(table, sentences):
    assert (sentences != table.pad_id).sum() > 90_000
    chosen, _, found = corrupted(sentences, table)
    total, masked = chosen.sum(), (found[chosen] == table.mask_id).mean()
    # A random token is the old one now and then.
    same = (found[chosen] == sentences[chosen]).mean()
    spread = 4 * np.sqrt(0.25 / total)
    assert masked == pytest.approx(0.8, abs=spread)
    assert same == pytest.approx(0.1 + 0.1 / table.ordinary_count, abs=spread)


def test_nothing_else_changes_and_no_special_id_is_drawn(table, sentences):
    chosen, _, found = corrupted(sentences, table)
    np.testing.assert_array_equal(found[~chosen], sentences[~chosen])
    drawn = found[chosen & (found != sentences) & (found != table.mask_id)]
    assert not np.isin(drawn, table.special_ids).any()
    # All ordinary ones are.
    assert len(np.unique(drawn)) == table.ordinary_count


def test_pieces_of_a_span_share_their_fate(table, sentences):
    chosen, group, found = corrupted(sentences[:200], table, SpanMask())
    for row, (picked, runs) in enumerate(zip(chosen, group, strict=True)):
        for run in np.unique(runs[picked]):
            places = picked & (runs == run)
            hidden = found[row, places] == table.mask_id
            assert hidden.all() or not hidden.any()


def test_neighbouring_pieces_have_fates_of_their_own(table, sentences):
    chosen, _, found = corrupted(sentences, table, TokenMask(0.5))
    masked, both = found == table.mask_id, chosen[:, :-1] & chosen[:, 1:]
    pairs = (masked[:, :-1] & masked[:, 1:])[both]
    assert len(pairs) > 10_000
    assert pairs.mean() == pytest.approx(0.8**2, abs=6 * np.sqrt(0.25 / len(pairs)))  # pairs share pieces


def test_refuses_a_vocabulary_without_a_mask_and_shares_beyond_one(table):
    ids = tf.constant([[7, 8]])
    with pytest.raises(ValueError, match="`table` must have a mask token. Received: mask_id=None"):
        corrupt(ids, ids == 7, ids, TokenTable(9, (0,)), draws(1))
    with pytest.raises(ValueError, match="Received: mask_share=0.8, random_share=0.3"):
        corrupt(ids, ids == 7, ids, table, draws(1), random_share=0.3)
