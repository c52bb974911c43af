import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import random
from keras_ssl.objectives import BERTPretraining, MaskedLM


@pytest.fixture
def pairs(sentences, rng):
    """Two segments a row: what follows the fifth place is the second."""
    segments = np.where((np.arange(12) >= 5) & (sentences != 0), 1, 0).astype("int32")
    return {"token_ids": sentences, "segment_ids": segments, "is_random": rng.integers(0, 2, 32).astype("int32")}


@pytest.fixture
def model(tiny_bert, tokenizer):
    model = BERTPretraining(tiny_bert(), tokenizer, seed=3)
    model.compile("sgd")
    return model


def outputs_of(model, pairs):
    x = {name: tf.constant(value) for name, value in pairs.items()}
    views = model.views({"x": x}, random.RowDraws(0, 0, len(pairs["token_ids"])), training=True)
    return views, model.forward(views, training=False)


def cross_entropy(logits, label):
    logits = np.asarray(logits, "float64")
    return np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[label]


def test_both_losses_against_numpy(model, pairs):
    views, outputs = outputs_of(model, pairs)
    seen = model.backbone(model.inputs_of(views["token_ids"], views["segment_ids"]))["pooled_output"]
    kernel, bias = (np.asarray(one, "float64") for one in model.next_sentence_head.get_weights())
    assert kernel.shape == (8, 2)
    logits = np.asarray(seen, "float64") @ kernel + bias
    found = model.objective(outputs)
    expected = np.mean([cross_entropy(one, label) for one, label in zip(logits, pairs["is_random"], strict=True)])
    assert float(found["next_sentence"]) == pytest.approx(expected, rel=1e-5)
    chosen = np.argwhere(views["weights"].numpy())
    total = sum(
        cross_entropy(outputs["logits"][row, place], pairs["token_ids"][row, views["places"][row, place]])
        for row, place in chosen
    )
    np.testing.assert_allclose([float(part) for part in found["masked_lm"]], [total, len(chosen)], rtol=1e-5)
    right = np.mean(np.argmax(logits, axis=1) == pairs["is_random"])
    diagnostics = model.diagnostics({**outputs, "terms": found})
    assert diagnostics["perplexity"] is found["masked_lm"]  # not computed again
    assert float(diagnostics["next_sentence_accuracy"]) == pytest.approx(right)


def test_the_loss_is_the_sum_of_both(model, pairs):
    logs = model.evaluate(pairs, batch_size=32, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(logs["masked_lm"] + logs["next_sentence"], rel=1e-5)
    assert logs["perplexity"] == pytest.approx(np.exp(logs["masked_lm"]), rel=1e-5)


@pytest.mark.gate
def test_the_label_of_a_pair_cannot_be_seen(model, pairs):
    _, outputs = outputs_of(model, pairs)
    _, other = outputs_of(model, {**pairs, "is_random": 1 - pairs["is_random"]})
    assert (outputs["is_random"] != other["is_random"]).numpy().all()
    for name in set(outputs) - {"is_random"}:
        np.testing.assert_array_equal(outputs[name], other[name])


def test_segments_are_seen(model, pairs):
    _, outputs = outputs_of(model, pairs)
    _, other = outputs_of(model, {**pairs, "segment_ids": np.zeros_like(pairs["segment_ids"])})
    assert (outputs["next_sentence_logits"] != other["next_sentence_logits"]).numpy().any()


def test_one_pass_of_the_backbone(model, pairs, monkeypatch):
    passes = []
    call = type(model.backbone).call
    monkeypatch.setattr(type(model.backbone), "call", lambda *a, **k: passes.append(1) or call(*a, **k))
    outputs_of(model, pairs)
    assert len(passes) == 1


def test_the_pair_is_learned_by_all_of_the_backbone(model, pairs):
    with tf.GradientTape() as tape:
        _, outputs = outputs_of(model, pairs)
        loss = model.objective(outputs)["next_sentence"]
    every = model.trainable_variables
    gradients = tape.gradient(loss, every)
    head = {id(variable) for variable in model.head.variables} - {id(model.backbone.token_embedding.embeddings)}
    assert [one is None for one in gradients] == [id(variable) in head for variable in every]


def test_berts_pooled_output_is_trained_here_alone(model, tiny_bert, table):
    def trains_pooled(one):
        return {id(v) for v in one.backbone.pooled_dense.variables} <= {id(v) for v in one.trainable_variables}

    assert trains_pooled(model)
    assert not trains_pooled(MaskedLM(tiny_bert(), tokens=table))


def test_it_comes_back(tmp_path, model, pairs):
    model.fit(pairs, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for first, second in zip(outputs_of(model, pairs)[1].values(), outputs_of(again, pairs)[1].values(), strict=True):
        np.testing.assert_array_equal(first, second)
    first, second = (one.fit(pairs, batch_size=16, verbose=0).history for one in (model, again))
    assert first == second


def test_refuses_a_backbone_without_a_pooled_output(table):
    roberta = keras_hub.models.RobertaBackbone(
        vocabulary_size=26, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=16, max_sequence_length=16
    )
    with pytest.raises(ValueError, match="`backbone` must take `segment_ids` and give a `pooled_output`") as error:
        BERTPretraining(roberta, tokens=table)
    assert "Received: backbone=<RobertaBackbone" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_random": None}, r"`x` must have the keys 'segment_ids' and 'is_random'.*\['segment_ids', 'token_ids'\]"),
        ({"segment_ids": None}, "`x` must have the keys 'segment_ids' and 'is_random'"),
        ({"token_ids": None}, "`x` must have the key 'token_ids'"),
        ({"is_random": np.zeros((32, 1), "int32")}, r"`is_random` must be whole numbers of shape \(rows,\)"),
        ({"is_random": np.zeros(32, "float32")}, "`is_random` must be whole numbers"),
        ({"is_random": np.full(32, 2)}, "`is_random` must be 0 or 1. Received: 2 to 2"),
        ({"segment_ids": np.zeros((32, 12), "float32")}, "`segment_ids` must be whole numbers"),
    ],
)
def test_refuses_data(model, pairs, change, message):
    changed = {name: value for name, value in {**pairs, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        model.fit(changed, batch_size=16, verbose=0)


def test_refuses_ids_alone(model, sentences):
    with pytest.raises(ValueError, match="`x` must have the keys 'segment_ids' and 'is_random'"):
        model.fit(sentences, batch_size=16, verbose=0)
