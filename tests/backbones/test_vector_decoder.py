import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.backbones import VectorDecoder


@pytest.fixture
def backbone():
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=20, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=12
    )
    for variable in backbone.trainable_variables:
        if len(variable.shape) > 1:
            variable.assign(variable * 10.0)
    return backbone


def test_attention_to_one_place_is_a_linear_map(rng):
    """Whatever is asked, it is the place's value through the output layer."""
    attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    query, vector = rng.normal(size=(3, 5, 8)).astype("float32"), rng.normal(size=(3, 1, 8)).astype("float32")
    found = np.asarray(attention(query, vector))
    value, bias, out, last = (np.asarray(one, "float64") for one in attention.get_weights()[4:])
    heads = np.einsum("rid,dhk->rihk", vector, value) + bias
    np.testing.assert_allclose(found, np.tile(np.einsum("rihk,hkd->rid", heads, out) + last, (1, 5, 1)), atol=1e-5)


def test_a_text_of_one_piece_against_numpy(backbone, rng):
    """Nothing is before it: the backbone's own output for it, the vector's map added, and the norm."""
    decoder = VectorDecoder(backbone)
    decoder.reads[0].bias.assign(rng.normal(size=8))
    ids, vector = np.array([[7], [9], [7]], "int32"), rng.normal(size=(3, 8)).astype("float32")
    seen = backbone({"token_ids": ids, "segment_ids": 0 * ids, "padding_mask": 0 * ids + 1})["sequence_output"]
    kernel, bias = (np.asarray(one, "float64") for one in decoder.reads[0].get_weights())
    total = np.asarray(seen, "float64")[:, 0] + vector @ kernel + bias
    centred = total - total.mean(axis=-1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    np.testing.assert_allclose(decoder(tf.constant(ids), vector)[:, 0], expected, atol=1e-5)


def test_each_place_sees_those_before_it_alone(backbone, rng):
    decoder = VectorDecoder(backbone)
    ids, vector = rng.integers(0, 20, (4, 9)).astype("int32"), rng.normal(size=(4, 8)).astype("float32")
    first = np.asarray(decoder(tf.constant(ids), vector))
    ids[:, 5] = (ids[:, 5] + 1) % 20
    second = np.asarray(decoder(tf.constant(ids), vector))
    np.testing.assert_array_equal(first[:, :5], second[:, :5])
    assert (np.abs(first - second)[:, 5:].max(axis=(0, 2)) > 1e-3).all()


def test_it_has_the_backbones_weights(backbone):
    decoder = VectorDecoder(backbone)
    own = {id(variable) for variable in backbone.variables}
    assert len([one for one in decoder.trainable_variables if id(one) not in own]) == 4
    assert {id(one) for one in backbone.transformer_layers[0].variables} <= {id(one) for one in decoder.variables}


def test_refuses_a_backbone_of_another_kind():
    with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone"):
        VectorDecoder(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
