import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import random
from keras_ssl.objectives import CausalLM

END = 28
PIECES = ["!", *"abcdefghijklmnopqrstuvwxyz", "Ġ", "<|endoftext|>", "th", "the", "Ġthe"]


@pytest.fixture(scope="module")
def gpt2_tokenizer():
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    return keras_hub.models.GPT2Tokenizer(vocabulary=vocabulary, merges=["t h", "th e", "Ġ the"])


@pytest.fixture
def model(tiny_gpt2, loud, gpt2_tokenizer):
    model = CausalLM(loud(tiny_gpt2(vocabulary_size=len(PIECES))), gpt2_tokenizer, seed=3)
    model.compile("sgd")
    return model


@pytest.fixture
def rows(rng):
    """Packed rows, with ends between documents, and padded ones; "!", the id 0, is a piece as any other."""
    packed = rng.integers(0, 27, (3, 10)).astype("int32")
    padded = packed.copy()
    packed[0, 4] = packed[1, 9] = packed[2, 0] = END
    for row, length in zip(padded, (9, 6, 2), strict=True):
        row[length - 1 :] = END
    return np.concatenate([packed, padded])


def forward(model, token_ids):
    views = model.views({"x": token_ids}, random.RowDraws(0, 0, len(token_ids)), training=False)
    return model.forward(views, training=False)


def test_the_loss_is_the_mean_over_the_next_pieces_and_the_ends_of_texts(model, rows):
    outputs = forward(model, rows)
    logits = np.asarray(outputs["logits"], "float64")
    total, weight = 0.0, 0
    for row, length in enumerate((10, 10, 10, 9, 6, 2)):
        for place in range(1, length):
            scores = logits[row, place - 1]
            total += np.log(np.exp(scores - scores.max()).sum()) + scores.max() - scores[rows[row, place]]
            weight += 1
    found = model.objective(outputs)["causal_lm"]
    np.testing.assert_allclose([float(part) for part in found], [total, weight], rtol=1e-5)


def test_logits_are_those_of_keras_hubs_own_task(model, rows):
    task = keras_hub.models.GPT2CausalLM(backbone=model.backbone, preprocessor=None)
    expected = task(model.inputs_of(rows))
    np.testing.assert_allclose(forward(model, rows)["logits"], expected[:, :-1], atol=1e-5)


def test_what_is_to_be_predicted_cannot_be_seen(model, rows):
    """Another piece at a place changes nothing that is said before it or of it, and what is said behind it."""
    before = np.asarray(forward(model, rows[:3])["logits"])
    for place in (3, 6):
        changed = rows[:3].copy()
        changed[:, place] = (changed[:, place] + 1) % 27
        after = np.asarray(forward(model, changed)["logits"])
        np.testing.assert_array_equal(before[:, :place], after[:, :place])
        assert (np.abs(before[:, place:] - after[:, place:]).max(axis=(1, 2)) > 1e-3).all()


def test_padding_changes_nothing_and_the_encoder_ends_at_the_end(model, rows):
    texts = rows[3:]
    longer = np.pad(texts, [(0, 0), (0, 5)], constant_values=END)
    np.testing.assert_allclose(model(texts), model(longer), atol=1e-5)
    sequence = np.asarray(model.sequence(texts))
    np.testing.assert_allclose(model(texts), sequence[np.arange(3), [8, 5, 1]], atol=1e-6)
    np.testing.assert_allclose(forward(model, texts)["z"], model(texts), atol=1e-6)


def test_logs_perplexity_as_exp_of_the_mean_loss(model, rows):
    logs = model.evaluate(rows, batch_size=4, verbose=0, return_dict=True)
    total, weight = (float(part) for part in model.objective(forward(model, rows))["causal_lm"])
    assert logs["perplexity"] == pytest.approx(np.exp(total / weight), rel=1e-5)


def greedy(model, pieces, length):
    pieces = list(pieces)
    while len(pieces) < length:
        row = np.array([pieces], "int32")
        inputs = {"token_ids": row, "padding_mask": np.ones_like(row)}
        scores = model.backbone.token_embedding(model.backbone(inputs)[:, -1], reverse=True)
        pieces.append(int(np.argmax(scores)))
        if pieces[-1] == END:
            break
    return model.tokenizer.detokenize([piece for piece in pieces if piece != END])


def test_generate_is_the_likeliest_piece_after_the_other(model):
    prompts = ["the cat", "a", ""]
    found = model.generate(prompts, max_length=12, sampler="greedy")
    starts = [*model.pieces_of(prompts[:2]), [END]]  # an empty prompt follows the end of another text
    assert found == [greedy(model, start, 12) for start in starts]
    assert all(text.startswith(prompt) for text, prompt in zip(found, prompts, strict=True))


@pytest.mark.gate
def test_generate_repeats_with_its_seed(model):
    options = {"max_length": 12, "sampler": "random"}
    first, again, other = (model.generate(["the", "dog"], seed=seed, **options) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_generate_stops_at_the_end(model):
    """The end token made the likeliest by far: nothing follows the prompt."""
    table = model.backbone.token_embedding.embeddings.numpy()
    table[END] = 50 * np.asarray(model.backbone({"token_ids": np.array([[20]]), "padding_mask": np.array([[1]])}))[0, 0]
    model.backbone.token_embedding.embeddings.assign(table)
    assert model.generate(["t"], max_length=9, sampler="greedy") == ["t"]


@pytest.mark.parametrize(
    ("prompts", "options", "message"),
    [
        (["the cat sat on a mat with the dog"], {}, "`max_length` must leave room behind the longest prompt"),
        (["the"], {"max_length": 17}, "`max_length` must be a number of pieces, at most the 16 places"),
        ("the", {}, "`prompts` must be a list of one or more texts"),
    ],
)
def test_generate_refuses(model, prompts, options, message):
    with pytest.raises(ValueError, match=message):
        model.generate(prompts, **options)


class Decoder(keras_hub.models.GPT2Backbone):
    """A family of its own."""


def test_generate_refuses_a_family_that_keras_hub_has_no_generation_for(gpt2_tokenizer):
    backbone = Decoder(
        vocabulary_size=40, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4, max_sequence_length=8
    )
    with pytest.raises(ValueError, match="`backbone` must be of a family that keras-hub generates with"):
        CausalLM(backbone, gpt2_tokenizer).generate(["a"])


def test_perplexity_of_texts_is_that_of_their_pieces_one_by_one(model):
    texts, total, weight = ["the cat", "dogs eat", "a"], 0.0, 0
    for pieces in model.pieces_of(texts):
        pieces = [*pieces, END]
        for place in range(1, len(pieces)):
            row = np.array([pieces[:place]])
            last = model.backbone({"token_ids": row, "padding_mask": np.ones_like(row)})[:, -1]
            scores = np.asarray(model.backbone.token_embedding(last, reverse=True), "float64")[0]
            total += np.log(np.exp(scores).sum()) - scores[pieces[place]]
            weight += 1
    assert model.perplexity(texts, batch_size=2) == pytest.approx(np.exp(total / weight), rel=1e-5)


def test_a_text_that_is_cut_has_no_end(model):
    text = "the cat eats a dog " * 8
    (pieces,) = model.pieces_of([text])
    assert len(pieces) > 16  # what the backbone knows
    total, weight = model.objective(model.forward({"token_ids": np.array([pieces[:16]], "int32")}, training=False))[
        "causal_lm"
    ]
    assert float(weight) == 15
    assert model.perplexity([text]) == pytest.approx(np.exp(float(total) / 15), rel=1e-5)


@pytest.mark.gate
def test_it_comes_back_with_its_tokenizer(tmp_path, model, rows):
    model.fit(rows, batch_size=6, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    texts = ["the cat", "a dog"]
    np.testing.assert_array_equal(again.embed(texts), model.embed(texts))
    assert again.perplexity(texts) == model.perplexity(texts)
    assert again.pooling == "last"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("tiny_bert", "`backbone` must be a decoder, whose tokens see only those before them"),
        ("tiny_xlnet", "`backbone` must be a decoder alone, of keras-hub, with a reversible `token_embedding`"),
        ("tiny_bart", "`backbone` must be a decoder alone, of keras-hub, with a reversible `token_embedding`"),
    ],
)
def test_refuses_backbones_that_see_what_is_to_come(request, table, make, message):
    with pytest.raises(ValueError, match=message):
        CausalLM(request.getfixturevalue(make)(), tokens=table)
