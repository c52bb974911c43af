"""Backbones of keras-hub beside BERT and RoBERTa: those that an objective takes, and those that it refuses at once."""

import io

import keras_hub
import numpy as np
import pytest
import sentencepiece

from keras_ssl import backbones, objectives, random

SIZES = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "intermediate_dim": 16, "dropout": 0.0}
PLACES = {"max_sequence_length": 16}


def electra(size, embedding_dim=8):
    return keras_hub.models.ElectraBackbone(size, embedding_dim=embedding_dim, **SIZES, **PLACES)


def albert(size):
    sizes = SIZES | {"num_groups": 1, "num_inner_repetitions": 1, "embedding_dim": 8}
    return keras_hub.models.AlbertBackbone(size, **sizes, **PLACES)


def distil_bert(size):
    return keras_hub.models.DistilBertBackbone(size, **SIZES, **PLACES)


def deberta(size):
    return keras_hub.models.DebertaV3Backbone(size, bucket_size=8, **SIZES, **PLACES)


def gpt2(size):
    return keras_hub.models.GPT2Backbone(size, **SIZES, **PLACES)


def xlnet(size):
    return keras_hub.models.XLNetBackbone(size, **SIZES)


def f_net(size):
    sizes = {name: value for name, value in SIZES.items() if name != "num_heads"}
    return keras_hub.models.FNetBackbone(size, **sizes, **PLACES)


TAKEN = [
    (objectives.MaskedLM, electra),
    (objectives.MaskedLM, albert),
    (objectives.MaskedLM, deberta),
    (objectives.ReplacedTokenDetection, electra),
    (objectives.ReplacedTokenDetection, distil_bert),
    (objectives.TSDAE, electra),
    (objectives.TSDAE, distil_bert),
    (objectives.WordOrder, electra),
    (objectives.WordOrder, distil_bert),
]


@pytest.mark.parametrize(("objective", "make"), TAKEN, ids=lambda one: one.__name__)
def test_takes(objective, make, table, sentences):
    model = objective(make(table.size), tokens=table)
    views = model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)
    outputs = model.forward(views, training=True)
    assert outputs["z"].shape == (len(sentences), 16)
    terms = model.objective(outputs)
    assert all(np.isfinite(float(total)) and float(weight) > 0 for total, weight in terms.values())


REFUSED = [(objectives.TSDAE, make) for make in (albert, deberta, gpt2)]
REFUSED += [(objectives.WordOrder, make) for make in (albert, deberta, gpt2)]
REFUSED += [(objectives.ReplacedTokenDetection, make) for make in (albert, deberta)]


@pytest.mark.parametrize(("objective", "make"), REFUSED, ids=lambda one: one.__name__)
def test_refuses_what_is_built_otherwise(objective, make, table):
    with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone or RobertaBackbone"):
        objective(make(table.size), tokens=table)


def test_refuses_what_sees_padding(table):
    with pytest.raises(ValueError, match="`backbone` must be a text backbone of keras-hub that takes a `padding_mask`"):
        objectives.SimCSE(f_net(table.size), tokens=table, pooling="avg")


def test_refuses_embeddings_that_name_no_pieces(table):
    with pytest.raises(ValueError, match="`backbone` must be .* with a reversible `token_embedding`"):
        objectives.MaskedLM(xlnet(table.size), tokens=table)


@pytest.mark.parametrize("embedding_dim", [8, 16])
def test_electra_with_all_positions_is_electra(embedding_dim, table, sentences, loud):
    backbone = loud(electra(table.size, embedding_dim))
    inputs = {"token_ids": sentences, "padding_mask": (sentences != 0).astype("int32"), "segment_ids": 0 * sentences}
    found = backbones.partly_placed(backbone, inputs, np.ones_like(sentences))
    np.testing.assert_allclose(found, backbone(inputs)["sequence_output"], atol=1e-6)


def test_the_vector_of_an_xlnet_does_not_hang_on_the_batch(table, sentences, loud):
    backbone = loud(xlnet(table.size))
    model = objectives.SimCSE(backbone, tokens=table, pooling="avg", augment=lambda x, rng: (x, x))
    assert isinstance(model.backbone, backbones.TwoStreamXLNet)
    assert model.backbone.token_embedding is backbone.token_embedding
    row = sentences[:1, : int((sentences[0] != table.pad_id).sum())]
    np.testing.assert_allclose(model(sentences)[:1], model(row), atol=1e-4)


def test_fill_mask_of_a_tokenizer_that_does_not_name_its_mask():
    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat saw a dog", "a bird heard the fish"] * 5),
        model_writer=proto,
        vocab_size=40,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    tokenizer = keras_hub.models.XLMRobertaTokenizer(proto=proto.getvalue())
    assert not hasattr(tokenizer, "mask_token")
    backbone = keras_hub.models.XLMRobertaBackbone(tokenizer.vocabulary_size(), **SIZES, **PLACES)
    (found,) = objectives.MaskedLM(backbone, tokenizer).fill_mask(["the <mask> saw a dog"], top_k=3)
    assert [len(one) for one in found] == [3]
