"""Every objective over token ids through the gate."""

import functools

import keras
import numpy as np
import pytest

from keras_ssl import augment, objectives, testing


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
    """A function that makes the objective of a name."""
    return lambda name: functools.partial(
        OBJECTIVES[name], request.getfixturevalue(BACKBONES.get(name, "tiny_bert")), table
    )


SLOW = ("ReplacedTokenDetection", "SpanCorruption", "TextInfilling", "PermutationLM")


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


# Of those that take long to trace there is the whole gate alone.
@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name not in SLOW])
def test_quick_part(name, make, sentences):
    testing.run_objective_test(make(name), batch_for(name, sentences), thorough=False)


@pytest.mark.gate
@pytest.mark.parametrize("name", OBJECTIVES)
def test_whole_gate(name, make, sentences, two_replicas):
    testing.run_objective_test(make(name), batch_for(name, sentences), strategy=two_replicas)
