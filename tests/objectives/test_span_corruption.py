import io

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import random
from keras_ssl.augment.text import TokenTable
from keras_ssl.objectives import SpanCorruption


def views_of(model, sentences):
    return model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)


@pytest.fixture
def pieces():
    """A T5Tokenizer that names three sentinels; new for each test, for a new global seed makes TensorFlow forget it."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the big cat saw a red dog", "a bird heard the small fish"] * 5),
        model_writer=model,
        vocab_size=40,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        user_defined_symbols=["<extra_id_2>", "<extra_id_1>", "<extra_id_0>"],
        minloglevel=2,
    )
    return keras_hub.models.T5Tokenizer(proto=model.getvalue())


def test_sentinels_are_those_behind_the_vocabulary_the_last_one_first(tiny_t5, tokenizer):
    assert SpanCorruption(tiny_t5(), tokenizer).sentinel_ids == tuple(range(37, 25, -1))
    backbone = tiny_t5(vocabulary_size=160)
    assert SpanCorruption(backbone, tokenizer).sentinel_ids == tuple(range(125, 25, -1))


def test_sentinels_are_t5s(tiny_t5):
    table = TokenTable(size=32_000, special_ids=(0, 1, 2), end_id=1)
    model = SpanCorruption(tiny_t5(vocabulary_size=32_128, hidden_dim=2), tokens=table)
    assert model.sentinel_ids == tuple(range(32_099, 31_999, -1))


def test_sentinels_are_those_that_the_tokenizer_names(tiny_t5, pieces):
    model = SpanCorruption(tiny_t5(vocabulary_size=60), pieces)
    assert [pieces.id_to_token(one) for one in model.sentinel_ids] == [f"<extra_id_{number}>" for number in range(3)]
    assert model.tokens.start_id is None
    assert model.ids_of(["a cat"]).numpy()[0, -1] == 1
    assert model.embed(["the cat saw a dog", "a bird"]).shape == (2, 8)


def test_views_are_t5s(tiny_t5, tokenizer, sentences):
    model = SpanCorruption(tiny_t5(), tokenizer, rate=0.3, mean_span=2.0, sentinel_ids=(30, 33))
    assert model.first_id == 0
    views = views_of(model, sentences)
    for row, left, target in zip(sentences, views["token_ids"].numpy(), views["labels"].numpy(), strict=True):
        text = row[row != 0].tolist()
        target = target[target != 0].tolist()
        assert target.pop() == 3
        spans = [target[1 : target.index(33)], target[target.index(33) + 1 :]] if 33 in target else [target[1:]]
        assert target[0] == 30
        assert sum(map(len, spans)) == round(0.3 * (len(text) - 2))
        found = left[left != 0].tolist()
        for name, span in zip((30, 33), spans, strict=False):
            place = found.index(name)
            found[place : place + 1] = span
        assert found == text


@pytest.mark.parametrize("roll", [False, True])
def test_the_last_piece_can_stay_with_roll_alone(tiny_t5, tokenizer, sentences, roll):
    """In texts from which one span is taken."""
    model = SpanCorruption(tiny_t5(), tokenizer, roll=roll)
    left = views_of(model, sentences)["token_ids"].numpy()
    gone = [row[row != 0][-2] in model.sentinel_ids for row in left]
    assert all(gone) == (not roll)
    assert any(gone)


def test_logits_are_those_of_keras_hub(tiny_t5, tokenizer, sentences):
    model = SpanCorruption(tiny_t5(), tokenizer)
    views = views_of(model, sentences)
    labels = views["labels"].numpy()
    prefix = np.pad(labels[:, :-1], [(0, 0), (1, 0)])
    task = keras_hub.models.T5Seq2SeqLM(model.backbone, preprocessor=None)
    expected = task(
        {
            "encoder_token_ids": views["token_ids"],
            "encoder_padding_mask": model.padding_mask(views["token_ids"]),
            "decoder_token_ids": tf.constant(prefix),
            "decoder_padding_mask": tf.ones_like(prefix),
        }
    )
    found = model.forward(views, training=False)["logits"]
    np.testing.assert_allclose(np.asarray(found)[labels != 0], np.asarray(expected)[labels != 0], atol=1e-5)


def test_the_optimizer_is_t5s(tiny_t5, tokenizer):
    optimizer = SpanCorruption(tiny_t5(), tokenizer).default_optimizer()
    assert isinstance(optimizer, keras.optimizers.Adafactor)
    variable = keras.Variable([2.0, 2.0])
    optimizer.build([variable])
    moves = []
    for step in (0, 40_000 - 1):  # the rate is .01 up to step 10,000, and .005 at 40,000; times the variable's size
        optimizer.iterations.assign(step)
        before = variable.numpy()
        optimizer.apply([keras.ops.ones(2)])
        moves.append(float((before - variable.numpy())[0]) / before[0])
    np.testing.assert_allclose(moves, [0.01, 0.005], rtol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sentinel_ids": ()}, "`sentinel_ids` must name more than 0 ids"),
        ({"sentinel_ids": (30, 30)}, r"`sentinel_ids` must name .* each once; .* Received: sentinel_ids=\(30, 30\)"),
        ({"sentinel_ids": (38,)}, r"`sentinel_ids` must name .* in \[0, 38\)"),
        ({"sentinel_ids": (30,), "roll": True}, "`sentinel_ids` must name more than 1 ids"),
    ],
)
def test_refuses_sentinels(tiny_t5, tokenizer, options, message):
    with pytest.raises(ValueError, match=message):
        SpanCorruption(tiny_t5(), tokenizer, **options)


def test_refuses_a_vocabulary_without_sentinels_or_end(tiny_t5, tokenizer, table):
    with pytest.raises(ValueError, match="by default they are '<extra_id_0>'.*Received: sentinel_ids=None"):
        SpanCorruption(tiny_t5(vocabulary_size=table.size), tokenizer)
    with pytest.raises(ValueError, match="`tokenizer` must have an end token"):
        SpanCorruption(tiny_t5(), tokens=TokenTable(26, (0,)))
