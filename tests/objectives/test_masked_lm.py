import contextlib

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import random
from keras_ssl.augment.text import SpanMask, TokenMask, TokenTable, WholeWordMask
from keras_ssl.objectives import MaskedLM


@pytest.fixture
def model(tiny_bert, tokenizer):
    model = MaskedLM(tiny_bert(), tokenizer, seed=3)
    model.compile("sgd")
    return model


def views_of(model, sentences):
    return model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)


def test_the_loss_is_the_mean_over_hidden_places(model, sentences):
    views = views_of(model, sentences)
    outputs = model.forward(views, training=False)
    logits = np.asarray(outputs["logits"], "float64")
    total, weight = 0.0, 0
    for row in range(len(sentences)):
        for place in range(logits.shape[1]):
            if views["weights"][row, place]:
                at = views["places"][row, place]
                scores = logits[row, place]
                total += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[sentences[row, at]]
                weight += 1
    found = model.objective(outputs)["masked_lm"]
    np.testing.assert_allclose([float(part) for part in found], [total, weight], rtol=1e-5)
    assert weight == sum(max(1, round(0.15 * int((row != 0).sum()))) for row in sentences)


def test_logs_perplexity_as_exp_of_the_mean_loss(model, sentences):
    history = model.fit(sentences, batch_size=8, verbose=0).history
    assert history["perplexity"][-1] == pytest.approx(np.exp(history["loss"][-1]), rel=1e-2)


def test_accuracy_is_the_share_of_hidden_pieces_that_are_named(model, sentences):
    sentences = np.tile(sentences, (8, 1))
    logs = model.evaluate(sentences, batch_size=256, verbose=0, return_dict=True)
    draws = random.RowDraws(model.seed, 0, 256).child("test")
    views = model.views({"x": {"token_ids": sentences}}, draws, training=False)
    named = np.asarray(model.forward(views, training=False)["logits"]).argmax(axis=-1)
    hidden = views["weights"].numpy() > 0
    right = (named == np.take_along_axis(sentences, views["places"].numpy(), 1))[hidden]
    assert right.sum() > 3
    assert logs["accuracy"] == pytest.approx(right.mean(), rel=1e-5)


def test_what_is_to_be_predicted_cannot_be_seen(model, sentences):
    """Where all chosen pieces become the mask token, another piece there changes nothing but the label."""
    model.mask_share, model.random_share = 1.0, 0.0
    first = views_of(model, sentences)
    changed = sentences.copy()
    for row, (places, weights) in enumerate(zip(first["places"].numpy(), first["weights"].numpy(), strict=True)):
        for place in places[weights > 0]:
            changed[row, place] = 5 + (changed[row, place] - 4) % (model.tokens.size - 5)
    second = views_of(model, changed)
    np.testing.assert_array_equal(first["token_ids"], second["token_ids"])
    hidden = first["weights"].numpy() > 0
    assert (first["labels"].numpy() != second["labels"].numpy())[hidden].all()
    np.testing.assert_array_equal(model.forward(first, False)["logits"], model.forward(second, False)["logits"])


def test_padding_changes_nothing(model, sentences):
    longer = np.pad(sentences, [(0, 0), (0, 4)], constant_values=model.tokens.pad_id)
    np.testing.assert_allclose(model(sentences), model(longer), atol=1e-5)


def test_the_encoder_sees_what_the_model_sees(model, sentences):
    inputs = model.inputs_of(sentences)
    z = model.pooled(model.sequence(sentences), sentences)
    np.testing.assert_allclose(model.encoder(inputs), z, atol=1e-6)


def test_words_that_are_given_are_hidden_whole(tiny_bert, table):
    model = MaskedLM(tiny_bert(), tokens=table, sampler=WholeWordMask(rate=0.4))
    ids = np.array([[2, 5, 6, 7, 8, 9, 10, 3]], "int32")
    words = np.array([[-1, 0, 0, 0, 1, 1, 1, -1]], "int32")
    views = model.views({"x": {"token_ids": ids, "word_ids": words}}, random.RowDraws(0, 0, 1), True)
    assert sorted(views["places"].numpy()[0][views["weights"].numpy()[0] > 0]) in ([1, 2, 3], [4, 5, 6])


@pytest.mark.parametrize(
    "sampler",
    [
        pytest.param(None, marks=pytest.mark.gate),
        pytest.param(SpanMask(rate=0.3), marks=pytest.mark.gate),
        WholeWordMask(rate=0.3, maximum=3),
    ],
)
def test_it_comes_back_with_tokenizer_and_optimizer(tmp_path, tiny_bert, tokenizer, sentences, sampler):
    model = MaskedLM(tiny_bert(), tokenizer, sampler=sampler, pooling="avg")
    model.compile()
    model.fit(sentences, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    texts = ["the cat saw a dogs", "birds"]
    np.testing.assert_array_equal(again.embed(texts), model.embed(texts))
    np.testing.assert_array_equal(again.ids_of(texts), model.ids_of(texts))
    first, second = (one.fit(sentences, batch_size=8, verbose=0).history["loss"] for one in (model, again))
    assert first == second
    assert again.sampler.get_config() == model.sampler.get_config()


def test_fill_mask_ranks_by_probability(model):
    found = model.fill_mask(["the [MASK] saw a [MASK].", "[MASK]"], top_k=3)
    assert [len(one) for one in found] == [2, 1]
    ids = model.ids_of(["the x saw a x.", "x"]).numpy()
    ids = np.where(ids == 1, 4, ids)
    logits = model.head(model.sequence(ids), mask_positions=tf.constant([[2, 5], [1, 1]]))
    chances = ops.convert_to_numpy(ops.softmax(logits))
    best = np.argsort(-chances[0, 1])[:3]
    assert [piece for piece, _ in found[0][1]] == [model.tokenizer.id_to_token(int(one)) for one in best]
    np.testing.assert_allclose([chance for _, chance in found[0][1]], chances[0, 1][best], rtol=1e-5)


def test_the_blank_before_a_mask_of_byte_pairs_is_the_masks(monkeypatch):
    """As in training, where the piece behind a blank has it in front."""
    pieces = ["<s>", "<pad>", "</s>", "<mask>", "Ġ", "a", "Ġa", "b", "Ġb", "ab", "Ġab"]
    tokenizer = keras_hub.models.RobertaTokenizer(
        {piece: number for number, piece in enumerate(pieces)}, ["a b", "Ġ a", "Ġ b", "Ġ ab"]
    )
    backbone = keras_hub.models.RobertaBackbone(
        vocabulary_size=11, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4, max_sequence_length=8
    )
    model = MaskedLM(backbone, tokenizer)
    packed, seen = model.packed, []
    monkeypatch.setattr(model, "packed", lambda rows: (seen.extend(rows), packed(rows))[1])
    found = model.fill_mask(["a <mask> ab", "<mask> b"], top_k=2)
    assert [[pieces[one] for one in row] for row in seen] == [["a", "<mask>", "Ġab"], ["<mask>", "Ġb"]]
    assert [len(one) for one in found] == [1, 1]


def test_segments_are_seen(model, sentences):
    segments = np.tile((np.arange(12) > 5).astype("int32"), (32, 1))
    x = {"token_ids": sentences, "segment_ids": segments}
    views = model.views({"x": x}, random.RowDraws(0, 0, 32), training=True)
    ours = model.forward(views, training=False)
    theirs = model.forward({**views, "segment_ids": 0 * segments}, training=False)
    assert np.abs(ours["logits"] - theirs["logits"]).max() > 1e-4
    without = {name: value for name, value in views.items() if name != "segment_ids"}
    np.testing.assert_array_equal(model.forward(without, training=False)["logits"], theirs["logits"])


def test_pseudo_perplexity_hides_one_piece_after_the_other(model):
    ids = model.ids_of(["the cat saw a dog", "big fish"]).numpy()
    total, count = 0.0, 0
    for row in ids:
        for place, piece in enumerate(row):
            if piece not in model.tokens.special_ids:
                hidden = row.copy()
                hidden[place] = 4
                logits = model.head(model.sequence(hidden[None]), mask_positions=tf.constant([[place]]))
                total += float(ops.log_softmax(logits)[0, 0, piece])
                count += 1
    found = model.pseudo_perplexity(["the cat saw a dog", "big fish"], batch_size=3)
    assert found == pytest.approx(np.exp(-total / count), rel=1e-5)


def test_unseen_lengths_need_no_new_trace(model, sentences, monkeypatch):
    def batches():
        yield from (sentences[:8], sentences[8:16, :10], sentences[16:24, :9])

    forward, traces = model.forward, []
    monkeypatch.setattr(model, "forward", lambda views, training: (traces.append(1), forward(views, training))[1])
    data = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((8, None), "int32"))
    model.fit(data.apply(tf.data.experimental.assert_cardinality(3)), verbose=0)
    assert int(model.optimizer_steps()) == 3
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`tokenizer` must be given, or `tokens`"),
        ({"tokens": TokenTable(8, (0,))}, "`tokenizer` must have a mask token"),
        ({"tokens": TokenTable(99, (0, 1), mask_id=1)}, "`tokenizer` must have at most the 26 ids"),
    ],
)
def test_refuses_vocabularies(tiny_bert, arguments, message):
    with pytest.raises(ValueError, match=message):
        MaskedLM(tiny_bert(), **arguments)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 8), "float32"), r"`token_ids` must be whole numbers of shape \(rows, length\)"),
        (np.zeros((4,), "int32"), r"`token_ids` must be whole numbers of shape"),
        (np.full((4, 8), 99, "int32"), r"`token_ids` must be in \[0, 26\)"),
        (np.full((4, 17), 9, "int32"), "`token_ids` must have at most the 16 places"),
        (np.zeros((4, 0), "int32"), "`token_ids` must be whole numbers of shape"),
        ({"ids": np.full((4, 8), 9, "int32")}, "`x` must have the key 'token_ids'"),
        ({"views": (np.full((4, 8), 9, "int32"),) * 2}, "`x` must have the key 'x', for MaskedLM .* no pairs"),
        (
            {"token_ids": np.full((4, 8), 9, "int32"), "word_ids": np.zeros((4, 6), "int32")},
            r"`word_ids` must have the shape of `token_ids`, \(4, 8\). Received: shape \(4, 6\)",
        ),
        (
            {"token_ids": np.full((4, 8), 9, "int32"), "word_ids": np.full((4, 8), 8, "int32")},
            r"`word_ids` must be in \[-1, 8\), numbered from 0 in each row, .* Received: 8 to 8",
        ),
        (
            {"token_ids": np.full((4, 8), 9, "int32"), "segment_ids": np.full((4, 8), 2, "int32")},
            r"`segment_ids` must be in \[0, 2\), the segments that the backbone knows. Received: 2 to 2",
        ),
        (
            {"token_ids": np.full((4, 8), 9, "int32"), "padding_mask": np.ones((4, 8), bool)},
            "`x` must have no other keys than .* the ids tell padding. Received: keys .'padding_mask', 'token_ids'",
        ),
    ],
)
def test_refuses_data(model, x, message):
    with pytest.raises(ValueError, match=message):
        model.fit(x, batch_size=2, verbose=0)


def test_vectors_come_in_the_order_of_the_texts_however_they_are_batched(model, monkeypatch):
    texts = ["the cat saw a dogs the cat saw", "the", "a cat saw the dogs", "cat saw"]
    alone = np.concatenate([model.embed([text]) for text in texts])
    packed, widths = model.packed, []
    monkeypatch.setattr(model, "packed", lambda pieces: (widths.append(max(map(len, pieces))), packed(pieces))[1])
    np.testing.assert_allclose(model.embed(texts, batch_size=2), alone, rtol=1e-5, atol=1e-6)
    assert len(widths) == 2
    assert widths[0] < widths[1]  # a batch is as long as its own longest text


def test_vectors_of_several_batches_are_the_same_on_replicas(tiny_bert, tokenizer, two_replicas):
    texts = ["the cat saw a dogs the cat saw", "the", "a cat saw the dogs", "cat saw", "dogs"]
    with two_replicas.scope():
        model = MaskedLM(tiny_bert(), tokenizer)
    found = model.embed(texts, batch_size=2)
    expected = model.encoder(model.inputs_of(model.ids_of(texts)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_refuses_texts(model, tiny_bert, table):
    with pytest.raises(ValueError, match=r"`texts` must have the mask token '\[MASK\]'"):
        model.fill_mask(["no mask"])
    with pytest.raises(ValueError, match="`texts` must have their masks within .*: a text of more than 16 pieces"):
        model.fill_mask(["[MASK]", "the cat " * 8 + "[MASK]"])
    with pytest.raises(ValueError, match="`top_k` must be at least 1. Received: top_k=0"):
        model.fill_mask(["a [MASK]"], top_k=0)
    with pytest.raises(ValueError, match="`texts` must be a list of one or more texts"):
        model.embed("one text")
    for texts in ("one [MASK]", [], [7]):
        with pytest.raises(ValueError, match="`texts` must be a list of one or more texts"):
            model.fill_mask(texts)
    with pytest.raises(ValueError, match="set `model.tokenizer`"):
        MaskedLM(tiny_bert(), tokens=table).embed(["the cat"])


def test_an_empty_text_has_a_vector_alone_and_among_others(model):
    alone = model.embed([""])
    assert alone.shape == (1, 8)
    np.testing.assert_allclose(model.embed(["", "the cat"], batch_size=1)[0], alone[0], atol=1e-6)
    np.testing.assert_allclose(model.embed(["", "the cat"])[0], alone[0], atol=1e-5)
    with pytest.raises(ValueError, match="`texts` must have at least one known piece"):
        model.pseudo_perplexity([""])


def test_learns_from_pairs_of_segments_too(model, sentences):
    pairs = {"token_ids": sentences, "segment_ids": sentences * 0, "is_random": np.zeros(len(sentences), "int32")}
    model.check_x(pairs)
    assert "segment_ids" in model.views({"x": pairs}, random.RowDraws(0, 0, len(sentences)), training=True)


def test_rows_of_nothing_but_special_ids_weigh_nothing(model):
    ids = np.array([[2, 3, 0, 0], [2, 9, 3, 0]], "int32")
    assert views_of(model, ids)["weights"].numpy().sum(axis=1).tolist() == [0, 1]


def test_default_sampler_is_berts(model):
    assert isinstance(model.sampler, TokenMask)
    assert model.sampler.get_config() == {"rate": 0.15, "maximum": None}


class Sentences:
    """A source of ids."""

    def __init__(self, ids):
        self.ids = ids

    def __len__(self):
        return len(self.ids)

    def batches(self, batch_size, seed=0, start=0, slices=None):
        rows = tf.constant(self.ids)
        first = tf.data.Dataset.counter(start).map(lambda step: step * batch_size % len(self))
        return first.map(lambda begin: {"x": {"token_ids": rows[begin : begin + batch_size]}})

    def ordered(self, batch_size):
        return tf.data.Dataset.from_tensor_slices({"x": {"token_ids": self.ids}}).batch(batch_size)


@pytest.mark.gate
@pytest.mark.parametrize("replicas", [1, 2])
def test_views_made_in_the_pipeline_are_those_of_the_steps(tiny_bert, table, sentences, two_replicas, replicas):
    histories = []
    for in_pipeline in (True, False):
        scope = two_replicas.scope() if replicas == 2 else contextlib.nullcontext()
        with scope:
            keras.utils.set_random_seed(0)
            model = MaskedLM(tiny_bert(), tokens=table, seed=5)
            model.views_in_pipeline = in_pipeline
            model.compile("sgd")
        source = Sentences(sentences)
        options = {"batch_size": 8, "validation_data": source, "verbose": 0}
        model.fit(source, epochs=1, **options)
        histories.append(model.fit(source, epochs=2, initial_epoch=1, **options).history)
    assert histories[0] == histories[1]


def test_the_step_makes_no_views_where_the_pipeline_did(model, sentences):
    made_eagerly = []
    views = model.views

    def watched(batch, rng, training):
        made_eagerly.append(isinstance(rng.rows, int) and "made_views" in batch)
        return views(batch, rng, training)

    model.views = watched
    model.fit(Sentences(sentences), batch_size=8, verbose=0)
    assert made_eagerly == [False]  # once, when the pipeline was traced


class OfUnknownNumber(Sentences):
    def batches(self, *args, **kwargs):
        return super().batches(*args, **kwargs).filter(lambda batch: True)


@pytest.mark.filterwarnings("error:Your input ran out of data")
def test_a_source_whose_batches_are_not_counted_ends_without_a_warning(model, sentences):
    source = OfUnknownNumber(sentences)
    model.evaluate(source, batch_size=8, verbose=0)
    model.fit(source, batch_size=8, validation_data=source, verbose=0)
