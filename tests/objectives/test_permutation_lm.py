import keras
import numpy as np
import pytest

from keras_ssl import random
from keras_ssl.augment.text import SpanMask, TokenMask, WholeWordMask
from keras_ssl.backbones import TwoStreamXLNet
from keras_ssl.objectives import PermutationLM


@pytest.fixture
def model(tiny_xlnet, loud, tokenizer):
    model = PermutationLM(loud(tiny_xlnet()), tokenizer, sampler=TokenMask(rate=0.3), seed=3)
    model.compile("sgd")
    return model


def views_of(model, sentences):
    return model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)


def test_a_sixth_comes_last_one_after_the_other(tiny_xlnet, table, sentences):
    views = views_of(PermutationLM(tiny_xlnet(), tokens=table), sentences)
    order, weights = views["order"].numpy(), views["weights"].numpy()
    for row, when, places, weight in zip(sentences, order, views["places"].numpy(), weights, strict=True):
        chosen = np.flatnonzero(when >= 0)
        assert len(chosen) == max(1, round((row != table.pad_id).sum() / 6))
        assert sorted(places[weight > 0]) == chosen.tolist()
        assert len(set(when[chosen])) == len(chosen)
        assert not np.isin(row[chosen], table.special_ids).any()
    np.testing.assert_array_equal(views["labels"], np.take_along_axis(sentences, views["places"].numpy(), 1))


def test_every_order_is_as_likely(model):
    rows = np.full((3000, 10), 7, "int32")
    order = views_of(model, rows)["order"].numpy()
    assert (order >= 0).mean(axis=0) == pytest.approx(np.full(10, 0.3), abs=4 * np.sqrt(0.21 / 3000))
    firsts = [np.argmin(np.where(when < 0, 99, when)) for when in order]
    assert np.bincount(firsts, minlength=10) / 3000 == pytest.approx(np.full(10, 0.1), abs=4 * np.sqrt(0.09 / 3000))


def test_the_loss_is_the_mean_over_the_last_pieces(model, sentences):
    views = views_of(model, sentences)
    outputs = model.forward(views, training=False)
    logits = np.asarray(outputs["logits"], "float64")
    total, weight = 0.0, 0
    for row, count in enumerate(views["weights"].numpy().sum(axis=1)):
        for number in range(count):
            scores, piece = logits[row, number], sentences[row, views["places"][row, number]]
            total += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[piece]
            weight += 1
    found = model.objective(outputs)["permutation_lm"]
    np.testing.assert_allclose([float(part) for part in found], [total, weight], rtol=1e-5)


def test_logits_compare_queries_with_embeddings_and_have_a_bias(model, sentences):
    views = views_of(model, sentences)
    model.bias.assign(np.linspace(-1.0, 1.0, model.tokens.size))
    _, query = model.backbone.streams(model.inputs_of(sentences), views["order"], views["places"])
    expected = np.asarray(query) @ model.backbone.token_embedding.embeddings.numpy().T + model.bias.numpy()
    np.testing.assert_allclose(model.forward(views, training=False)["logits"], expected, atol=1e-5)


def test_what_is_to_be_predicted_cannot_be_seen(model, sentences):
    """Another piece changes what is said of those after it in the order, and nothing that is said of itself and those
    before it."""
    views = views_of(model, sentences)
    weights, places, order = (views[name].numpy() for name in ("weights", "places", "order"))
    when = np.where(weights > 0, np.take_along_axis(order, places, 1), 99)
    before = np.asarray(model.forward(views, training=False)["logits"])
    rows = np.arange(len(sentences))
    for number in range(places.shape[1]):
        changed = sentences.copy()
        changed[rows, places[:, number]] = 5 + (changed[rows, places[:, number]] - 4) % (model.tokens.size - 5)
        after = np.asarray(model.forward({**views, "token_ids": changed}, training=False)["logits"])
        difference = np.abs(after - before).max(axis=2)
        here = weights[:, number] > 0
        later = when > when[:, number : number + 1]
        wanted = (weights > 0) & here[:, None]
        assert (difference[wanted & ~later] == 0).all()
        assert (difference[wanted & later] > 1e-5).all()
    assert (when[:, :2] < 99).all()  # at least two in each row


def test_pieces_before_the_last_are_seen_by_all(model, sentences):
    views = views_of(model, sentences)
    before = np.asarray(model.forward(views, training=False)["logits"])
    seen = np.argmax((views["order"].numpy() < 0) & ~np.isin(sentences, model.tokens.special_ids), axis=1)
    changed, rows = sentences.copy(), np.arange(len(sentences))
    changed[rows, seen] = 5 + (changed[rows, seen] - 4) % (model.tokens.size - 5)
    after = np.asarray(model.forward({**views, "token_ids": changed}, training=False)["logits"])
    assert (np.abs(after - before).max(axis=2)[views["weights"].numpy() > 0] > 1e-5).all()


def test_a_batch_is_its_rows_one_by_one(model, sentences):
    """keras-hub's own XLNet is not; for what is predicted and for the encoder to leave with."""
    views = views_of(model, sentences)
    whole, vectors = model.forward(views, training=False), np.asarray(model(sentences))
    for row in range(0, 32, 5):
        length = int((sentences[row] != model.tokens.pad_id).sum())
        one = {name: value[row : row + 1] for name, value in views.items()}
        one |= {"token_ids": one["token_ids"][:, :length], "order": one["order"][:, :length]}
        one["places"] = np.minimum(one["places"], length - 1)
        count = int(views["weights"][row].numpy().sum())
        alone = model.forward({**one, "places": one["places"][:, :count]}, training=False)
        np.testing.assert_allclose(whole["logits"][row, :count], alone["logits"][0], atol=2e-5)
        np.testing.assert_allclose(whole["z"][row], alone["z"][0], atol=2e-5)
        np.testing.assert_allclose(vectors[row], model(sentences[row : row + 1, :length])[0], atol=2e-5)


def test_the_first_of_all_is_not_to_be_predicted(tiny_xlnet, table):
    """Two pieces and nothing else, both to be predicted: the first would have nothing to be predicted from."""
    model = PermutationLM(tiny_xlnet(), tokens=table, sampler=TokenMask(rate=0.99))
    views = views_of(model, np.array([[7, 8, 0], [7, 8, 9], [2, 8, 0]], "int32"))
    assert views["weights"].numpy().sum(axis=1).tolist() == [1, 2, 1]
    order_of_weighted = views["order"].numpy()[0, views["places"].numpy()[0][views["weights"].numpy()[0] > 0]]
    assert order_of_weighted == views["order"].numpy()[0, :2].max()


@pytest.mark.gate
@pytest.mark.parametrize("sampler", [None, SpanMask(rate=0.3), WholeWordMask(rate=0.3)])
def test_it_comes_back(tmp_path, tiny_xlnet, tokenizer, sentences, sampler):
    model = PermutationLM(tiny_xlnet(), tokenizer, sampler=sampler)
    model.compile()
    model.fit(sentences, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(again.backbone, TwoStreamXLNet)
    assert model.bias.numpy().any()
    np.testing.assert_array_equal(again.bias, model.bias)
    np.testing.assert_array_equal(again.embed(["the cat saw a dogs"]), model.embed(["the cat saw a dogs"]))
    first, second = (one.fit(sentences, batch_size=16, verbose=0).history["loss"] for one in (model, again))
    assert first == second
    assert again.sampler.get_config() == model.sampler.get_config()


def test_segments_reach_the_layers(model, sentences):
    views = views_of(model, sentences)
    segments = np.repeat(np.arange(12)[None] > 4, 32, 0).astype("int32")
    with_segments = model.views(
        {"x": {"token_ids": sentences, "segment_ids": segments}}, random.RowDraws(0, 0, 32), training=True
    )
    first, second = (np.asarray(model.forward(one, False)["logits"]) for one in (views, with_segments))
    assert np.abs(first - second).max() > 1e-4


def test_refuses_other_backbones(tiny_bert, table):
    with pytest.raises(ValueError, match="`backbone` must be an XLNetBackbone of keras-hub"):
        PermutationLM(tiny_bert(), tokens=table)
