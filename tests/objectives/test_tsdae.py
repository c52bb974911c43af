import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, random
from keras_ssl.augment.text import TokenTable, delete_words
from keras_ssl.objectives import TSDAE


@pytest.fixture
def model(wide_bert, tokenizer):
    return TSDAE(wide_bert(), tokenizer, seed=3)


def views_of(model, sentences, **others):
    batch = {"x": {"token_ids": sentences, **others}}
    return model.views(batch, random.RowDraws(0, 0, len(sentences)), training=True)


def test_views_are_what_is_left_and_the_text_behind_its_start(model, sentences):
    views = views_of(model, sentences)
    expected = delete_words(tf.constant(sentences), model.tokens, random.RowDraws(0, 0, 32), rate=0.6)
    np.testing.assert_array_equal(views["token_ids"], expected)
    np.testing.assert_array_equal(views["labels"], sentences[:, 1:])
    assert model.first_id == 2
    left, words = (np.asarray(one) for one in (views["token_ids"], sentences))
    assert (left > 4).sum() < 0.55 * (words > 4).sum()


def test_the_share_of_words_that_go_is_the_rate(tiny_bert, tokenizer, sentences):
    views = views_of(TSDAE(tiny_bert(), tokenizer, rate=0.2), sentences)
    words, left = (int((np.asarray(one) > 4).sum()) for one in (sentences, views["token_ids"]))
    assert left / words == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / words))


def test_the_decoder_sees_nothing_of_the_text_but_its_vector(model, sentences, monkeypatch):
    """With one vector for all, what was read changes no logits; with their own, it does."""
    views = views_of(model, sentences)
    prefix = tf.constant(sentences[:, :-1])
    others = tf.roll(views["token_ids"], 1, axis=0)
    vectors, logits = model.decode(views["token_ids"], prefix)
    assert np.abs(logits - model.decode(others, prefix)[1]).max() > 1e-2
    monkeypatch.setattr(model, "pooled", lambda sequence, token_ids: vectors)
    np.testing.assert_array_equal(model.decode(others, prefix)[1], logits)


@pytest.mark.parametrize("part", ["embeddings", "layers", "vector"])
def test_each_part_of_the_decoder_has_dropout(wide_bert, sentences, part):
    """Each alone, with that of the others turned off."""
    decoder = backbones.VectorDecoder(wide_bert(dropout=0.5))
    parts = {"embeddings": decoder.embed, "layers": decoder.transformer_layers[0], "vector": decoder.dropout}
    kept = {id(layer) for layer in parts[part]._flatten_layers()}
    for layer in decoder._flatten_layers():
        if isinstance(layer, keras.layers.Dropout) and id(layer) not in kept:
            layer.rate = 0.0
    ids, vector = tf.constant(sentences), tf.ones((32, 8))
    first, second = (np.asarray(decoder(ids, vector, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    still, again = (np.asarray(decoder(ids, vector, training=False)) for _ in range(2))
    np.testing.assert_array_equal(still, again)


def test_the_vector_is_that_of_the_encoder(model, sentences):
    left = views_of(model, sentences)["token_ids"]
    np.testing.assert_allclose(model.decode(left, left)[0], model(np.asarray(left)), atol=1e-5)


def test_decoder_and_encoder_share_their_weights(model):
    own = {id(variable) for variable in model.backbone.variables}
    added = [variable for variable in model.trainable_variables if id(variable) not in own]
    # For each layer a linear map and a norm; then the head's layer, norm and bias.
    assert sorted(tuple(one.shape) for one in added) == sorted([(8, 8), *[(8,)] * 3, (8, 8), *[(8,)] * 3, (26,)])


def test_every_weight_gets_a_gradient(model, sentences):
    with tf.GradientTape() as tape:
        total, _ = model.objective(model.forward(views_of(model, sentences), training=True))["tsdae"]
    gradients = tape.gradient(total, [variable.value for variable in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path


@pytest.mark.gate
def test_runs_on_roberta(sentences, table):
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=26, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=16
    )
    model = TSDAE(backbone, tokens=table, pooling="avg")
    model.compile()
    assert np.isfinite(model.fit(sentences, batch_size=16, verbose=0).history["loss"][0])


def test_words_that_are_given_go_whole(model):
    ids = np.tile(np.array([[2, 5, 6, 7, 8, 9, 10, 3]], "int32"), (20, 1))
    words = np.tile(np.array([[-1, 0, 0, 0, 1, 1, 1, -1]], "int32"), (20, 1))
    for left in views_of(model, ids, word_ids=words)["token_ids"].numpy().tolist():
        assert [one for one in left if one] in (ids[0].tolist(), [2, 5, 6, 7, 3], [2, 8, 9, 10, 3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1.5}, r"`rate` must be in \[0, 1\]. Received: rate=1.5"),
        ({"tokens": TokenTable(26, (0,), end_id=3)}, "`tokenizer` must have a start token"),
    ],
)
def test_refuses(tiny_bert, table, options, message):
    with pytest.raises(ValueError, match=message):
        TSDAE(tiny_bert(), **{"tokens": table, **options})


def test_refuses_a_backbone_of_another_kind(tiny_bart, table):
    with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone"):
        TSDAE(tiny_bart(), tokens=table)
