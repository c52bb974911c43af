import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import backbones

SETTINGS = {"vocabulary_size": 20, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}


@pytest.fixture(params=["T5Backbone", "BartBackbone"])
def backbone(request):
    longest = {"max_sequence_length": 12} if request.param == "BartBackbone" else {}
    return getattr(keras_hub.models, request.param)(**SETTINGS, **longest)


@pytest.fixture
def inputs(rng):
    ids = rng.integers(1, 20, (3, 9)).astype("int32")
    ids[1, 5:] = 0
    return {"token_ids": ids, "padding_mask": (ids != 0).astype("int32")}


def test_it_gives_the_backbones_numbers(backbone, inputs):
    theirs = {f"{half}_{name}": value for half in ("encoder", "decoder") for name, value in inputs.items()}
    expected = backbone(theirs)["encoder_sequence_output"]
    np.testing.assert_array_equal(backbones.text_encoder(backbone)(inputs), expected)


def test_it_has_the_encoders_weights_alone(backbone):
    encoder = backbones.text_encoder(backbone)
    assert {id(one) for one in encoder.variables} < {id(one) for one in backbone.variables}
    assert not any("decoder" in one.path for one in encoder.variables)
    assert {key: one.name for key, one in encoder.input.items()} == {key: key for key in ("token_ids", "padding_mask")}


def test_pooled_it_is_saved_and_found_again(tmp_path, backbone, inputs):
    half = backbones.text_encoder(backbone)
    encoder = backbones.pool(half, "avg")
    assert backbones.backbone_of(encoder) is half
    encoder.save(tmp_path / "encoder.keras")
    again = keras.models.load_model(tmp_path / "encoder.keras")
    np.testing.assert_array_equal(again(inputs), encoder(inputs))
    again.save(tmp_path / "again.keras")  # also what was made from a configuration
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "again.keras")(inputs), encoder(inputs))


def test_other_backbones_stay():
    bert = keras_hub.models.BertBackbone(**SETTINGS, max_sequence_length=12)
    assert backbones.text_encoder(bert) is bert
    assert not backbones.is_encoder_decoder(bert)
    assert backbones.text_encoder("no model") == "no model"
