import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import random
from keras_ssl.augment.text import ShuffleWords, TokenMask, WholeWordMask
from keras_ssl.objectives import WordOrder

TASKS = {
    "shuffled": {},
    "windows": {"shuffler": ShuffleWords(window=3, share=0.5)},
    "hidden": {"sampler": TokenMask(rate=0.75)},
    "both": {"shuffler": ShuffleWords(), "sampler": WholeWordMask(rate=0.3)},
}


@pytest.fixture
def make(tiny_bert, loud, tokenizer):
    def make(task="shuffled", backbone=None):
        model = WordOrder(loud(backbone or tiny_bert()), tokenizer, **TASKS[task], seed=3)
        model.compile("sgd")
        return model

    return make


def views_of(model, sentences):
    batch = {"x": {"token_ids": sentences}}
    views = model.views(batch, random.RowDraws(0, 0, len(sentences)), training=True)
    return {name: np.asarray(value) for name, value in views.items()}


@pytest.mark.parametrize("task", TASKS)
def test_what_is_asked_is_where_pieces_stood(make, sentences, task):
    model = make(task)
    views = views_of(model, sentences)
    np.testing.assert_array_equal(np.take_along_axis(sentences, views["origin"], 1), views["token_ids"])
    special = np.isin(sentences, model.tokens.special_ids)
    here = np.arange(12)
    assert (views["placed"][special] == 1).all()
    assert (views["weights"][special] == 0).all()
    np.testing.assert_array_equal(views["weights"] > 0, (views["origin"] != here) | (views["placed"] == 0))
    if task == "hidden":
        assert (views["origin"] == here).all()
        lengths = (sentences != model.tokens.pad_id).sum(axis=1)
        ordinary = (~special).sum(axis=1)
        np.testing.assert_array_equal(views["weights"].sum(axis=1), np.minimum(np.round(0.75 * lengths), ordinary))
    else:
        assert (views["origin"] != here).any()
    assert (views["placed"] == 1).all() == (task in ("shuffled", "windows"))


@pytest.mark.parametrize("task", TASKS)
def test_the_loss_is_the_mean_over_moved_and_hidden_pieces(make, sentences, task):
    model = make(task)
    views = views_of(model, sentences)
    outputs = model.forward(views, training=False)
    logits = np.asarray(outputs["logits"], "float64")
    assert logits.shape == (32, 12, 16)  # one for each position that the backbone knows
    total = weight = 0.0
    for row, place in np.argwhere(views["weights"]):
        scores = logits[row, place]
        total += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[views["origin"][row, place]]
        weight += 1
    found = model.objective(outputs)["word_order"]
    np.testing.assert_allclose([float(part) for part in found], [total, weight], rtol=1e-5)


def test_shuffled_pieces_are_told_where_they_stand_now_and_nothing_else(make, sentences):
    """The head's input is the backbone's own output for the shuffled text."""
    model = make("shuffled")
    views = views_of(model, sentences)
    expected = model.head(model.sequence(views["token_ids"]))
    np.testing.assert_array_equal(model.forward(views, training=False)["logits"], expected)
    # Whichever text it was: another original order of the same shuffled text has the same logits.
    another = {**views, "origin": np.roll(views["origin"], 1, axis=0)}
    np.testing.assert_array_equal(model.forward(another, training=False)["logits"], expected)


def test_hidden_positions_cannot_be_seen(make, sentences):
    """Pieces that are not told their position exchange places: what is said of them goes with them, and no more."""
    model = make("hidden")
    views = views_of(model, sentences)
    exchanged, moves = views["token_ids"].copy(), np.tile(np.arange(12), (32, 1))
    for row, hidden in enumerate(views["placed"] == 0):
        places = np.flatnonzero(hidden)
        moves[row, places] = np.roll(places, 1)
        exchanged[row] = exchanged[row, moves[row]]
    before = np.asarray(model.forward(views, training=False)["logits"])
    after = np.asarray(model.forward({**views, "token_ids": exchanged}, training=False)["logits"])
    np.testing.assert_allclose(after, np.take_along_axis(before, moves[:, :, None], 1), atol=1e-4)
    # Told their positions, they differ.
    told = np.asarray(model.forward({**views, "placed": np.ones_like(views["placed"])}, training=False)["logits"])
    assert np.abs(told - before).max() > 0.01


def test_padding_changes_nothing(make, sentences):
    model = make("hidden")
    views = views_of(model, sentences)
    longer = {name: np.pad(value, [(0, 0), (0, 4)]) for name, value in views.items()}
    first, second = (np.asarray(model.forward(one, training=False)["logits"])[:, :12] for one in (views, longer))
    real = sentences != model.tokens.pad_id
    np.testing.assert_allclose(first[real], second[real], atol=1e-4)


def test_a_pair_keeps_its_segments(make, sentences):
    model = make("shuffled")
    ids = sentences[:, :10].copy()
    ids[:, 0], ids[:, 4], ids[:, 9] = 2, 3, 3
    segments = np.tile((np.arange(10) > 4).astype("int32"), (32, 1))
    batch = {"x": {"token_ids": ids, "segment_ids": segments}}
    views = model.views(batch, random.RowDraws(0, 0, 32), training=True)
    np.testing.assert_array_equal(np.take_along_axis(segments, views["origin"].numpy(), 1), segments)
    logits = model.forward(views, training=False)["logits"]
    assert np.abs(logits - model.forward({**views, "segment_ids": 0 * segments}, False)["logits"]).max() > 1e-3


def test_roberta_takes_it_too(make, table, sentences):
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=table.size,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        dropout=0.0,
        max_sequence_length=16,
    )
    model = make("both", backbone)
    logs = model.fit(sentences, batch_size=16, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


@pytest.mark.parametrize("task", ["shuffled", "both"])
def test_it_comes_back(tmp_path, make, sentences, task):
    model = make(task)
    model.fit(sentences, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.embed(["the cat saw a dogs"]), model.embed(["the cat saw a dogs"]))
    first, second = (one.fit(sentences, batch_size=16, verbose=0).history["loss"] for one in (model, again))
    assert first == second
    for name in ("shuffler", "sampler"):
        ours, theirs = getattr(model, name), getattr(again, name)
        assert (ours is None and theirs is None) or ours.get_config() == theirs.get_config()


def test_shuffles_all_words_unless_told_otherwise(make):
    assert make("shuffled").shuffler.get_config() == {"window": None, "share": 1.0}
    assert make("hidden").shuffler is None


def test_refuses_backbones_whose_positions_cannot_be_left_out(tiny_xlnet, table):
    with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone or RobertaBackbone"):
        WordOrder(tiny_xlnet(), tokens=table)
