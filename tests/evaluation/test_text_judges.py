import keras_hub
import numpy as np

from keras_ssl import backbones, evaluation
from keras_ssl.evaluation.text_judges import TextJudge, encoders_beside


def other_pair(tokenizer):
    """An encoder with weights of its own, and a tokenizer with another vocabulary."""
    known = keras_hub.models.BertTokenizer([*tokenizer.get_vocabulary(), "sky"])
    return backbones.pool(keras_hub.models.BertBackbone(known.vocabulary_size(), 1, 2, 4, 8), "avg"), known


def test_everyone_is_who_the_name_says(text_encoder, tokenizer):
    other = other_pair(tokenizer)
    found = encoders_beside(text_encoder, tokenizer, {"other": other}, seed=3)
    assert list(found) == ["encoder", "random", "other"]
    assert found["encoder"] == (text_encoder, tokenizer)
    assert found["other"] == other
    untrained, its = found["random"]
    assert its is tokenizer
    wanted = evaluation.random_encoder(text_encoder, 3).get_weights()
    for drawn, one in zip(untrained.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(drawn, one)
    drawn_anew = zip(wanted, text_encoder.get_weights(), strict=True)
    assert not all(np.array_equal(one, trained) for one, trained in drawn_anew)


def test_each_reads_with_its_own_tokenizer(text_encoder, tokenizer):
    other, texts = other_pair(tokenizer), ["the sky", "red cat"]
    judge = TextJudge(text_encoder, tokenizer, {"other": other}, 0, 8, 2, None)
    found = {name: features(texts) for name, features in judge}
    for name, pair in (("encoder", (text_encoder, tokenizer)), ("other", other)):
        np.testing.assert_array_equal(found[name], evaluation.encode_texts(*pair, texts, max_length=8))
    assert found["other"].shape == (2, 4)
