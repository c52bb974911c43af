import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import backbones, evaluation, objectives
from keras_ssl.augment.text import TokenTable

SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 32, "intermediate_dim": 16}


@pytest.fixture
def t5():
    return keras_hub.models.T5Backbone(400, **SIZES)


def embeddings_of(model):
    (layer,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Embedding))
    return layer.embeddings.numpy()


def test_a_new_t5_has_embeddings_like_its_authors(t5):
    assert backbones.has_equal_embeddings(t5)
    before = [weight.numpy() for weight in t5.weights]
    assert backbones.redraw_equal_embeddings(t5) is t5
    assert not backbones.has_equal_embeddings(t5)
    drawn = embeddings_of(t5)
    assert abs(drawn.mean()) < 0.05
    assert 0.95 < drawn.std() < 1.05
    changed = [not np.array_equal(old, new) for old, new in zip(before, t5.weights, strict=True)]
    assert sum(changed) == 1


def test_pieces_can_be_told_apart_then(t5):
    encoder = backbones.text_encoder(t5)
    inputs = {"token_ids": np.arange(3, 35)[None], "padding_mask": np.ones((1, 32), "int32")}

    def mean_cosine():
        vectors = np.asarray(encoder(inputs))[0]
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors @ vectors.T).mean()

    assert mean_cosine() > 0.95
    backbones.redraw_equal_embeddings(t5)
    assert mean_cosine() < 0.3


def test_others_and_trained_ones_stay(t5):
    bert = keras_hub.models.BertBackbone(400, max_sequence_length=8, **SIZES)
    t5.token_embedding.embeddings.assign(np.random.default_rng(0).normal(0.5, 0.5, (400, 32)))
    for model in (bert, t5, backbones.pool(bert, "avg")):
        before = [weight.numpy() for weight in model.weights]
        backbones.redraw_equal_embeddings(model)
        for old, new in zip(before, model.weights, strict=True):
            np.testing.assert_array_equal(old, new)


def test_the_same_seed_draws_the_same():
    def drawn():
        keras.utils.set_random_seed(3)
        return embeddings_of(backbones.redraw_equal_embeddings(keras_hub.models.T5Backbone(400, **SIZES)))

    np.testing.assert_array_equal(drawn(), drawn())


def test_the_untrained_encoder_to_beat_has_them_too(t5):
    encoder = backbones.pool(backbones.text_encoder(t5), "avg")
    assert backbones.has_equal_embeddings(encoder)
    assert not backbones.has_equal_embeddings(evaluation.random_encoder(encoder))


@pytest.mark.gate
def test_training_from_equal_ones_is_warned_of_and_loading_is_not(t5, tmp_path, recwarn):
    table = TokenTable(size=390, special_ids=(0, 1, 2), end_id=1)
    model = objectives.SpanCorruption(t5, tokens=table)
    model.compile()
    rows = np.arange(3, 51).reshape(4, 12)
    with pytest.warns(UserWarning, match=r"nearly the same for every piece.*redraw_equal_embeddings\(backbone\)"):
        model.fit(rows, batch_size=4, verbose=0)
    backbones.redraw_equal_embeddings(t5)
    recwarn.clear()
    model.fit(rows, batch_size=4, verbose=0)
    model.save(tmp_path / "model.keras")
    keras.models.load_model(tmp_path / "model.keras").fit(rows, batch_size=4, verbose=0)
    assert not [one for one in recwarn if "nearly the same" in str(one.message)]
