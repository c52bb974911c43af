import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import backbones, data, evaluation, objectives


def alone(encoder, tokenizer, text, length):
    """One text, packed by keras-hub."""
    packer = keras_hub.layers.MultiSegmentPacker(
        length, tokenizer.cls_token_id, tokenizer.sep_token_id, pad_value=tokenizer.pad_token_id
    )
    token_ids, segment_ids = packer(tokenizer([text]))
    mask = np.asarray(token_ids) != tokenizer.pad_token_id
    return encoder.predict({"token_ids": token_ids, "segment_ids": segment_ids, "padding_mask": mask}, verbose=0)[0]


@pytest.mark.parametrize("pooling", ["avg", "cls", "last"])
def test_features_are_those_of_each_text_alone(text_backbone, tokenizer, sentences, pooling):
    encoder = backbones.pool(text_backbone, pooling)
    texts = [*sentences[0][:12], "", "dogs cats", "the " * 40]
    found = evaluation.encode_texts(encoder, tokenizer, np.array(texts), batch_size=4)
    assert found.dtype == np.float32
    expected = [alone(encoder, tokenizer, text, 16) for text in texts]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(found, evaluation.encode_texts(encoder, tokenizer, texts, batch_size=4))


@pytest.mark.parametrize("family", ["gpt2", pytest.param("bart", marks=pytest.mark.gate), "t5"])
def test_byte_pairs_and_sentence_pieces_are_those_of_training(tmp_path, family):
    from keras_hub.models import BartBackbone, GPT2Backbone, T5Backbone

    words = ["In 1999 they don't", "12345 cats, dogs and 678 birds", "a cat"]
    size = {"t5": 160}.get(family, 320)
    tokenizer = data.train_vocabulary(words * 4, family, size=size, directory=tmp_path)
    size = tokenizer.vocabulary_size()
    model = {
        "gpt2": lambda: objectives.CausalLM(GPT2Backbone(size, 1, 2, 8, 8, max_sequence_length=32), tokenizer),
        "bart": lambda: objectives.TextInfilling(BartBackbone(size, 1, 2, 8, 8, max_sequence_length=32), tokenizer),
        "t5": lambda: objectives.SpanCorruption(T5Backbone(size, 1, 2, 8, 8), tokenizer),
    }[family]()
    found = evaluation.encode_texts(model.encoder, tokenizer, words)
    np.testing.assert_allclose(found, model.embed(words), atol=1e-5)
    # What is longer than the backbone has places for is cut; T5 has no end of places.
    assert evaluation.encode_texts(model.encoder, tokenizer, ["a cat " * 90]).shape == (1, 8)


def test_texts_are_cut_to_the_length(text_encoder, tokenizer):
    short = evaluation.encode_texts(text_encoder, tokenizer, ["red green", "red blue"], max_length=3)
    np.testing.assert_allclose(short[0], short[1])
    longer = evaluation.encode_texts(text_encoder, tokenizer, ["red green", "red blue"], max_length=4)
    assert abs(longer[0] - longer[1]).max() > 1e-3


def test_short_texts_are_encoded_without_the_padding_of_long_ones(text_backbone, tokenizer, monkeypatch):
    longer = keras_hub.models.BertBackbone.from_config({**text_backbone.get_config(), "max_sequence_length": 128})
    encoder = backbones.pool(longer, "avg")
    shapes = []
    module = evaluation.FeatureFunction
    call = module.__call__
    monkeypatch.setattr(module, "__call__", lambda self, x: shapes.append(tuple(x["token_ids"].shape)) or call(self, x))
    evaluation.encode_texts(encoder, tokenizer, ["red " * 60, "red", "red " * 20, "blue"], batch_size=2)
    assert shapes == [(2, 16), (2, 64)]


def test_an_encoder_of_one_length_is_filled_up(tokenizer):
    inputs = {name: keras.Input((9,), dtype="int32", name=name) for name in ("token_ids", "padding_mask")}
    embedded = keras.layers.Embedding(tokenizer.vocabulary_size(), 4)(inputs["token_ids"])
    masked = embedded * keras.ops.expand_dims(keras.ops.cast(inputs["padding_mask"], "float32"), -1)
    encoder = keras.Model(inputs, keras.layers.Flatten()(masked))
    assert evaluation.encode_texts(encoder, tokenizer, ["red", "red blue " * 9]).shape == (2, 36)


def test_refuses(text_encoder, text_backbone, tokenizer):
    with pytest.raises(ValueError, match="`texts` must be a list of one or more str.*type str"):
        evaluation.encode_texts(text_encoder, tokenizer, "red")
    with pytest.raises(ValueError, match="`texts` must be a list"):
        evaluation.encode_texts(text_encoder, tokenizer, [])
    with pytest.raises(ValueError, match="`batch_size` must be 1"):
        evaluation.encode_texts(text_encoder, tokenizer, ["red"], batch_size=0)
    tokens = keras.Model(text_backbone.input, text_backbone.output["sequence_output"])
    with pytest.raises(ValueError, match="one vector for each text"):
        evaluation.encode_texts(tokens, tokenizer, ["red"])
    with pytest.raises(ValueError, match="`encoder` must be a functional model of a dict with `token_ids`"):
        evaluation.encode_texts(keras.Sequential([keras.Input((3,))]), tokenizer, ["red"])
    padding = keras_hub.models.BertTokenizer(tokenizer.get_vocabulary(), sequence_length=8)
    with pytest.raises(ValueError, match="must not pad.*sequence_length=8"):
        evaluation.encode_texts(text_encoder, padding, ["red"])
