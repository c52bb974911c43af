import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import SpanMask, TokenMask, WholeWordMask
from keras_ssl.random import RowDraws

SAMPLERS = [
    TokenMask(),
    TokenMask(maximum=5),
    WholeWordMask(),
    WholeWordMask(0.3, maximum=20),
    SpanMask(),
    SpanMask(0.5),
]
every_sampler = pytest.mark.parametrize(
    "sampler", SAMPLERS, ids=lambda one: f"{type(one).__name__}-{one.rate}-{one.maximum}"
)


def draws(rows, replica=0, replicas=1):
    return RowDraws(seed=3, step=5, rows=rows, replica=replica, replicas=replicas)


def counts(rows, table, sampler):
    """By the paper's rule, in Python's own arithmetic."""
    lengths = (rows != table.pad_id).sum(axis=1)
    wanted = [min(sampler.maximum or length, max(1, round(sampler.rate * length))) for length in lengths.tolist()]
    return np.minimum(wanted, (~np.isin(rows, table.special_ids)).sum(axis=1))


@every_sampler
def test_special_ids_are_never_chosen_and_no_row_is_without(table, sentences, sampler):
    chosen, group = sampler(tf.constant(sentences), table, draws(len(sentences)))
    assert not chosen.numpy()[np.isin(sentences, table.special_ids)].any()
    assert chosen.numpy().any(axis=1).all()
    assert group.shape == chosen.shape
    assert 0 <= group.numpy().min() <= group.numpy().max() < 128


@pytest.mark.parametrize("sampler", SAMPLERS[:2])
def test_pieces_are_as_many_as_the_rule_says(table, sentences, sampler):
    chosen, _ = sampler(tf.constant(sentences), table, draws(len(sentences)))
    np.testing.assert_array_equal(chosen.numpy().sum(axis=1), counts(sentences, table, sampler))


@pytest.mark.parametrize("sampler", [WholeWordMask(), SpanMask()])
def test_words_and_spans_do_not_go_beyond_and_hardly_stay_below(table, sentences, sampler):
    chosen = sampler(tf.constant(sentences), table, draws(len(sentences)))[0].numpy()
    found, wanted = chosen.sum(axis=1), counts(sentences, table, sampler)
    words = table.word_ids(tf.constant(sentences)).numpy()
    for row in np.flatnonzero(found > wanted):  # where not a single word fits, there is one all the same
        assert isinstance(sampler, WholeWordMask)
        assert len(set(words[row][chosen[row]].tolist())) == 1
    assert found.sum() / wanted.sum() > 0.97


def test_words_are_chosen_whole(table, sentences):
    ids = tf.constant(sentences)
    chosen = WholeWordMask()(ids, table, draws(len(sentences)))[0].numpy()
    wanted = counts(sentences, table, WholeWordMask())
    for words, row, count in zip(table.word_ids(ids).numpy(), chosen, wanted, strict=True):
        for word in set(words[row].tolist()):
            pieces = row[words == word]
            # One that is longer than what is wanted is chosen where no other fits, as far as it fits.
            assert pieces.all() or (pieces[:count].all() and row.sum() == count)


def test_words_are_those_of_bert_greedy_rule(table, sentences):
    """Row by row: words in the drawn order, one that would go beyond the number is passed over."""
    rows = sentences[:200]
    chosen = WholeWordMask()(tf.constant(rows), table, draws(len(rows)))[0].numpy()
    uniform = draws(len(rows)).uniform("words", shape=(128,)).numpy()
    words = table.word_ids(tf.constant(rows)).numpy()
    for index, wanted in enumerate(counts(rows, table, WholeWordMask())):
        used, expected = 0, np.zeros(128, bool)
        order = sorted(set(words[index][words[index] >= 0].tolist()), key=lambda word: uniform[index, word])
        for word in order:
            size = (words[index] == word).sum()
            if used + size <= wanted:
                used += size
                expected |= words[index] == word
        if not used:
            expected[np.flatnonzero(words[index] == order[0])[:wanted]] = True
        np.testing.assert_array_equal(chosen[index], expected)


def test_given_words_are_taken_in_the_place_of_the_tables(table):
    ids = tf.constant([[1, 10, 11, 13, 14, 16, 17, 2]])
    words = tf.constant([[-1, 0, 0, 0, 1, 1, 1, -1]])
    chosen = WholeWordMask(rate=0.4)(ids, table, draws(1), word_ids=words)[0].numpy()[0]
    assert chosen[1:4].all() != chosen[4:7].all()
    assert chosen.sum() == 3


def test_runs_have_the_lengths_of_the_paper(table):
    """Long rows of one-piece words: runs are then seldom cut."""
    rows = np.full((400, 512), 7, "int32")
    sampler = SpanMask()
    chosen, group = (part.numpy() for part in sampler(tf.constant(rows), table, draws(len(rows))))
    lengths = np.concatenate([np.unique(g[c], return_counts=True)[1] for g, c in zip(group, chosen, strict=True)])
    shares = 0.2 * 0.8 ** np.arange(10)
    shares /= shares.sum()
    found = np.bincount(lengths, minlength=11)[1:] / len(lengths)
    # Long runs touch another a little more often.
    np.testing.assert_allclose(found, shares, atol=0.03)
    assert lengths.mean() == pytest.approx((shares * np.arange(1, 11)).sum(), abs=0.25)
    for g, c in zip(group[:50], chosen[:50], strict=True):
        for run in np.unique(g[c]):
            places = np.flatnonzero((g == run) & c)
            assert (np.diff(places) == 1).all()


def test_a_run_begins_at_any_word_the_last_one_too(table):
    chosen, _ = SpanMask(rate=0.1, longest=1)(tf.constant(np.full((3000, 10), 7, "int32")), table, draws(3000))
    assert chosen.numpy().mean(axis=0) == pytest.approx(np.full(10, 0.1), abs=4 * np.sqrt(0.09 / 3000))


@every_sampler
def test_replicas_choose_what_one_batch_would(table, sentences, sampler):
    ids = tf.constant(sentences[:8])
    whole = sampler(ids, table, draws(8))[0]
    parts = [sampler(ids[4 * i :][:4], table, draws(4, replica=i, replicas=2))[0] for i in range(2)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))


@every_sampler
def test_runs_in_tf_data_with_rows_of_any_length(table, sentences, sampler):
    dataset = tf.data.Dataset.from_tensor_slices(sentences).batch(50)
    cut = dataset.map(lambda ids: ids[:, : tf.reduce_max(tf.reduce_sum(tf.cast(ids != 0, "int32"), axis=1))])
    chosen = next(iter(cut.map(lambda ids: sampler(ids, table, draws(50))[0]))).numpy()
    expected = sampler(tf.constant(next(iter(cut)).numpy()), table, draws(50))[0]
    np.testing.assert_array_equal(chosen, expected)


@every_sampler
def test_compiles_under_xla(table, sentences, sampler):
    ids = tf.constant(sentences[:4])
    compiled = tf.function(lambda ids: sampler(ids, table, draws(4))[0], jit_compile=True)
    np.testing.assert_array_equal(compiled(ids), sampler(ids, table, draws(4))[0])


@every_sampler
def test_comes_back_from_its_config(sampler):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(sampler))
    assert type(again) is type(sampler)
    assert again.get_config() == sampler.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TokenMask(rate=0.0), r"`rate` must be in \(0, 1\). Received: rate=0.0"),
        (lambda: TokenMask(maximum=0), "`maximum` must be at least 1, or None. Received: maximum=0"),
        (lambda: SpanMask(stop_probability=1.0), r"`stop_probability` must be in \(0, 1\)"),
        (lambda: SpanMask(longest=0), "`longest` must be at least 1. Received: longest=0"),
    ],
)
def test_refuses(make, message):
    with pytest.raises(ValueError, match=message):
        make()
