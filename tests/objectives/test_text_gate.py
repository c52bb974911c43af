"""Every objective over token ids through the gate."""

import functools

import keras
import numpy as np
import pytest

from keras_ssl import augment, objectives, random, testing


@keras.saving.register_keras_serializable("text_gate")
def halves(x, rng):
    """The first and the second half of a text."""
    length = x["token_ids"].shape[1] // 2
    return tuple({"token_ids": half} for half in (x["token_ids"][:, :length], x["token_ids"][:, length:]))


OBJECTIVES = {
    "MaskedLM": lambda backbone, table: objectives.MaskedLM(backbone(), tokens=table, pooling="avg", seed=3),
    "BERTPretraining": lambda backbone, table: objectives.BERTPretraining(
        backbone(), tokens=table, pooling="avg", seed=3
    ),
    "ReplacedTokenDetection": lambda backbone, table: objectives.ReplacedTokenDetection(
        backbone(hidden_dim=16), tokens=table, generator_width=0.5, discriminator_weight=1.0, seed=3
    ),
    "SimCSE": lambda backbone, table: objectives.SimCSE(
        backbone(), tokens=table, pooling="avg", augment=halves, seed=3
    ),
    "SpanCorruption": lambda backbone, table: objectives.SpanCorruption(
        backbone(hidden_dim=32, intermediate_dim=64), tokens=table, rate=0.4, seed=3
    ),
    "TextInfilling": lambda backbone, table: objectives.TextInfilling(backbone(), tokens=table, seed=3),
    "CausalLM": lambda backbone, table: objectives.CausalLM(backbone(), tokens=table, seed=3),
    "PermutationLM": lambda backbone, table: objectives.PermutationLM(backbone(), tokens=table, seed=3),
    "WordOrder": lambda backbone, table: objectives.WordOrder(
        backbone(),
        tokens=table,
        shuffler=augment.text.ShuffleWords(),
        sampler=augment.text.TokenMask(0.5),
        pooling="avg",
        seed=3,
    ),
    "TSDAE": lambda backbone, table: objectives.TSDAE(backbone(), tokens=table, pooling="avg", seed=3),
}


# Fixtures; tiny_bert for all others.
BACKBONES = {
    "MaskedLM": "wide_bert",
    "BERTPretraining": "wide_bert",
    "ReplacedTokenDetection": "wide_bert",
    "WordOrder": "wide_bert",
    "SpanCorruption": "tiny_t5",
    "TextInfilling": "tiny_bart",
    "CausalLM": "tiny_gpt2",
    "PermutationLM": "tiny_xlnet",
}


@pytest.fixture
def make(request, table):
    """A function that gives one that makes the objective of a name, on a backbone with these options."""

    def give(name, **options):
        backbone = request.getfixturevalue(BACKBONES.get(name, "tiny_bert"))
        return functools.partial(OBJECTIVES[name], functools.partial(backbone, **options), table)

    return give


SLOW = (
    *("BERTPretraining", "SimCSE", "TSDAE", "PermutationLM"),
    *("ReplacedTokenDetection", "SpanCorruption", "TextInfilling"),
)


def batch_for(name, sentences):
    """The sentences; for some other texts of their lengths: pairs of segments, every other one random; rows of one word
    each, in which a replaced or a missing one is known; rows that count up from a word of their own, in an order."""
    row, place = np.arange(len(sentences), dtype="int32")[:, None], np.arange(sentences.shape[1], dtype="int32")
    words = {"ReplacedTokenDetection": row, "SpanCorruption": row, "WordOrder": 5 * row + place // 3}
    if name in words:
        return {"token_ids": np.where(sentences < 5, sentences, 5 + words[name] % 21)}
    if name != "BERTPretraining":
        return {"token_ids": sentences}
    second = (np.arange(sentences.shape[1]) >= 5) & (sentences != 0)
    return {
        "token_ids": sentences,
        "segment_ids": second.astype("int32"),
        "is_random": (np.arange(len(sentences)) % 2).astype("int32"),
    }


def test_every_text_objective_is_here():
    every = (getattr(objectives, name) for name in objectives.__all__)
    text = {one.__name__ for one in every if issubclass(one, objectives.TokenModel)}
    assert set(OBJECTIVES) == text - {"TokenModel", "SequenceToSequenceModel"}


# Of those that take long to trace both parts are in the gate.
@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in SLOW])
def test_quick_part(name, make, sentences):
    testing.run_objective_test(make(name), batch_for(name, sentences), part="quick")


@pytest.mark.gate
@pytest.mark.parametrize("name", OBJECTIVES)
def test_slow_part(name, make, sentences, two_replicas):
    part = None if name in SLOW else "slow"
    testing.run_objective_test(make(name), batch_for(name, sentences), strategy=two_replicas, part=part)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_config_has_every_argument(name, make, check_config):
    check_config(make(name)(), left_out=("encoder", "feature_key"))  # made anew from the backbone


@pytest.mark.parametrize("name", OBJECTIVES)
def test_dropout_draws_in_training_alone(name, make, sentences, monkeypatch):
    """In each network that an objective has."""
    model = make(name, dropout=0.5)()
    views = model.views({"x": batch_for(name, sentences)}, random.RowDraws(0, 0, 32), training=True)
    if name == "ReplacedTokenDetection":
        views["weights"] = 0 * views["weights"]  # nothing is replaced, or the discriminator would read what was drawn
    assert_drawn_in_training_alone(model, views)
    if name == "TSDAE":
        monkeypatch.setattr(model, "pooled", lambda sequence, token_ids: 0 * sequence[:, 0])
        assert_drawn_in_training_alone(model, views, but=("z",))


def assert_drawn_in_training_alone(model, views, but=()):
    (one, other), (still, again) = (
        [model.forward(views, training=training) for _ in range(2)] for training in (True, False)
    )
    drawn = [key for key in one if key not in but and (key == "z" or key.endswith("logits"))]
    assert len(drawn) + len(but) > 1
    for key in drawn:
        np.testing.assert_array_equal(still[key], again[key])
        for first, second in ((one, other), (one, still)):
            assert np.abs(np.asarray(first[key]) - np.asarray(second[key])).max() > 1e-4, key


TEXTS = ["the cat saw a dogs", "the cat chased a dog"]
QUESTIONS = {
    "MaskedLM": lambda model: (model.fill_mask(["the [MASK] saw a dog"]), model.pseudo_perplexity(TEXTS)),
    "CausalLM": lambda model: model.perplexity(TEXTS),
    "ReplacedTokenDetection": lambda model: model.find_replaced(TEXTS),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_said_of_texts_is_without_dropout(name, make, tokenizer):
    model = make(name, dropout=0.5)()
    model.tokenizer = tokenizer
    assert QUESTIONS[name](model) == QUESTIONS[name](model)


# Of views with the mask token, 4: which pieces were chosen.
CHOSEN = {
    "MaskedLM": lambda views: views["token_ids"] == 4,
    "ReplacedTokenDetection": lambda views: views["hidden"] == 4,
    "PermutationLM": lambda views: views["order"] >= 0,
    "WordOrder": lambda views: views["placed"] == 0,
}
TWO_WORDS = {
    "token_ids": np.tile(np.array([[2, 5, 6, 7, 8, 9, 10, 3]], "int32"), (20, 1)),
    "word_ids": np.tile(np.array([[-1, 0, 0, 0, 1, 1, 1, -1]], "int32"), (20, 1)),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_words_that_are_given_are_chosen_whole(name, make):
    model = make(name)()
    model.sampler, model.mask_share, model.random_share = augment.text.WholeWordMask(rate=0.4), 1.0, 0.0
    model.shuffler = None
    views = model.views({"x": TWO_WORDS}, random.RowDraws(0, 0, 20), training=True)
    found = {tuple(np.flatnonzero(row).tolist()) for row in np.asarray(CHOSEN[name](views))}
    assert found == {(1, 2, 3), (4, 5, 6)}


def test_words_that_are_given_move_whole(make):
    model = make("WordOrder")()
    model.sampler = None
    views = model.views({"x": TWO_WORDS}, random.RowDraws(0, 0, 20), training=True)
    assert {tuple(row) for row in views["origin"].numpy().tolist()} == {tuple(range(8)), (0, 4, 5, 6, 1, 2, 3, 7)}
