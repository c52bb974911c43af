import math

import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl.backbones import TwoStreamXLNet, backbone_of, pool

LENGTHS = (6, 4, 2)


def hub_xlnet(**options):
    sizes = {"vocabulary_size": 20, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 12}
    backbone = keras_hub.models.XLNetBackbone(**{**sizes, **options})
    rng = np.random.default_rng(1)
    backbone.set_weights([value + rng.normal(0.0, 0.3, size=value.shape) for value in backbone.get_weights()])
    return backbone


@pytest.fixture
def inputs(rng):
    mask = (np.arange(6) < np.array(LENGTHS)[:, None]).astype("int32")
    ids = rng.integers(1, 20, (3, 6)).astype("int32") * mask
    return {"token_ids": ids, "padding_mask": mask, "segment_ids": (np.arange(6) > 2) * mask}


@pytest.fixture
def order(inputs):
    """Two places come last, one after the other; of the shortest row none does."""
    return np.array([[-1, 3, -1, -1, 1, -1], [0, -1, -1, 2, -1, -1], [-1] * 6], "int32")


PLACES = np.array([[1, 4], [0, 3], [0, 1]], "int32")


def reference(backbone, ids, segments, order=None, places=None):
    """XLNet of the paper for one row without padding, in float64, place by place."""
    weights = {variable.path: variable.numpy().astype("float64") for variable in backbone.weights}

    def named(end):
        return next(value for path, value in weights.items() if end in path)

    h, width = named("word_embedding")[ids], backbone.hidden_dim
    order = np.zeros(len(ids)) if order is None else order
    places = [] if places is None else places
    g = np.repeat(named("mask_emb")[0], len(places), 0)
    for number in range(backbone.num_layers):
        layer = backbone.transformer_layers[number]
        own = {path.split(f"{layer.name}/")[1]: value for path, value in weights.items() if f"{layer.name}/" in path}
        streams = (h, range(len(ids)), order[:, None] >= order), (g, places, order[:, None] > order)
        h, g = (
            np.array([block(own, h, x, i, segments, sees[i], width) for x, i in zip(stream, at, strict=True)])
            for stream, at, sees in streams
        )
    return h, g


def block(own, h, x, i, segments, sees, width):
    attended = np.zeros(width)
    for head in range(own["content_attention_bias"].shape[0]):
        q = x @ own["rel_attn/query/kernel"][:, head]
        scores = np.full(len(h), -np.inf)
        for j in np.flatnonzero(sees):
            angle = (i - j) * 10000.0 ** (-np.arange(0, width, 2) / width)
            position = np.concatenate([np.sin(angle), np.cos(angle)]) @ own["rel_attn/encoding/kernel"][:, head]
            segment = own["segment_encoding"][int(segments[i] != segments[j]), head]
            scores[j] = (q + own["content_attention_bias"][head]) @ (h[j] @ own["rel_attn/key/kernel"][:, head])
            scores[j] += (q + own["positional_attention_bias"][head]) @ position
            scores[j] += (q + own["segment_attention_bias"][head]) @ segment
        share = np.exp((scores - scores.max()) / math.sqrt(len(q)))
        value = (share / share.sum()) @ (h @ own["rel_attn/value/kernel"][:, head])
        attended += own["rel_attn/attention_output/kernel"][:, head] @ value
    x = normal(x + attended, own, "layer_norm_rel_attn")
    inner = x @ own["feedforward_intermediate_dense/kernel"] + own["feedforward_intermediate_dense/bias"]
    inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
    x = x + inner @ own["feedforward_output_dense/kernel"] + own["feedforward_output_dense/bias"]
    return normal(x, own, "layer_norm_ff")


def normal(x, own, name):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-12) * own[f"{name}/gamma"] + own[f"{name}/beta"]


def test_content_is_the_papers_for_every_row_of_a_batch(inputs):
    backbone = hub_xlnet()
    found = np.asarray(TwoStreamXLNet(backbone)(inputs))
    for row, length in enumerate(LENGTHS):
        ids, segments = inputs["token_ids"][row, :length], inputs["segment_ids"][row, :length]
        np.testing.assert_allclose(found[row, :length], reference(backbone, ids, segments)[0], rtol=1e-4, atol=2e-5)


def test_both_streams_are_the_papers(inputs, order):
    backbone = hub_xlnet()
    content, query = TwoStreamXLNet(backbone).streams(inputs, order, PLACES)
    for row, length in enumerate(LENGTHS[:2]):
        ids, segments = inputs["token_ids"][row, :length], inputs["segment_ids"][row, :length]
        expected = reference(backbone, ids, segments, order[row, :length], PLACES[row])
        np.testing.assert_allclose(content[row, :length], expected[0], rtol=1e-4, atol=2e-5)
        np.testing.assert_allclose(query[row], expected[1], rtol=1e-4, atol=2e-5)


def test_one_row_without_padding_is_the_backbones_own(inputs):
    backbone = hub_xlnet()
    first = {name: value[:1] for name, value in inputs.items()}
    np.testing.assert_allclose(TwoStreamXLNet(backbone)(first), backbone(first), rtol=1e-5, atol=1e-5)


def test_a_batch_is_its_rows_one_by_one_and_padding_changes_nothing(inputs, order):
    xlnet = TwoStreamXLNet(hub_xlnet())
    longer = {name: np.pad(value, [(0, 0), (0, 3)]) for name, value in inputs.items()}
    whole, whole_query = xlnet.streams(inputs, order, PLACES)
    for row, length in enumerate(LENGTHS):
        one = {name: value[row : row + 1, :length] for name, value in inputs.items()}
        alone = np.asarray(xlnet(one))[0]
        np.testing.assert_allclose(np.asarray(xlnet(inputs))[row, :length], alone, atol=2e-5)
        np.testing.assert_allclose(np.asarray(xlnet(longer))[row, :length], alone, atol=2e-5)
        content, query = xlnet.streams(one, order[row : row + 1, :length], PLACES[row : row + 1])
        np.testing.assert_allclose(whole[row, :length], content[0], atol=2e-5)
        if row < 2:  # in the last one nothing is to be predicted
            np.testing.assert_allclose(whole_query[row], query[0], atol=2e-5)


def test_drops_out_in_training_alone(inputs, order):
    xlnet = TwoStreamXLNet(hub_xlnet(dropout=0.5))
    still = [xlnet.streams(inputs, order, PLACES) for _ in range(2)]
    for first, second, moved in zip(*still, xlnet.streams(inputs, order, PLACES, training=True), strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.abs(moved - first)[:2].max() > 0.1
    np.testing.assert_array_equal(xlnet(inputs), xlnet(inputs))
    assert np.abs(xlnet(inputs, training=True) - xlnet(inputs)).max() > 0.1


def test_pooled_it_comes_back_as_a_plain_model(tmp_path, inputs):
    encoder = pool(TwoStreamXLNet(hub_xlnet()), "avg")
    encoder.save(tmp_path / "encoder.keras")
    again = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(again(inputs), encoder(inputs))
    assert isinstance(backbone_of(again), TwoStreamXLNet)


def test_has_the_weights_of_the_backbone_once():
    backbone = hub_xlnet()
    found = [id(variable) for variable in TwoStreamXLNet(backbone).variables]
    assert sorted(found) == sorted(id(variable) for variable in backbone.variables)


def test_half_precision_is_finite(inputs, order):
    backbone = hub_xlnet(dtype="mixed_float16")
    for stream in TwoStreamXLNet(backbone).streams(inputs, order, PLACES):
        assert keras.backend.standardize_dtype(stream.dtype) == "float16"
        assert np.isfinite(stream).all()


def test_is_built_in_a_fresh_session():
    """Where the backbone's two dropout layers have one name."""
    keras.backend.clear_session()
    assert TwoStreamXLNet(hub_xlnet()).output_shape == (None, None, 8)


def test_refuses_other_backbones():
    bert = keras_hub.models.BertBackbone(
        vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4, max_sequence_length=4
    )
    with pytest.raises(ValueError, match="`backbone` must be an XLNetBackbone of keras-hub. Received: backbone="):
        TwoStreamXLNet(bert)
