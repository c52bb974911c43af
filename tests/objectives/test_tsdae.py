import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import random
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


def test_the_decoder_sees_nothing_of_the_text_but_its_vector(model, sentences, monkeypatch):
    """With one vector for all, what was read changes no logits; with their own, it does."""
    views = views_of(model, sentences)
    prefix = tf.constant(sentences[:, :-1])
    others = tf.roll(views["token_ids"], 1, axis=0)
    vectors, logits = model.decode(views["token_ids"], prefix)
    assert np.abs(logits - model.decode(others, prefix)[1]).max() > 1e-2
    monkeypatch.setattr(model, "pooled", lambda sequence, token_ids: vectors)
    np.testing.assert_array_equal(model.decode(others, prefix)[1], logits)


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
    with pytest.raises(ValueError, match="`backbone` must be an encoder of keras-hub of BERT's kind"):
        TSDAE(tiny_bart(), tokens=table)
