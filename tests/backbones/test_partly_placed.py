import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl.backbones import partly_placed, position_embedding_of

SIZES = {"vocabulary_size": 20, "num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}


def bert(**options):
    return keras_hub.models.BertBackbone(**SIZES, max_sequence_length=12, **options)


def roberta(**options):
    return keras_hub.models.RobertaBackbone(**SIZES, max_sequence_length=12, **options)


def inputs_for(backbone, rng):
    lengths = np.array([7, 9, 4])
    mask = (np.arange(9) < lengths[:, None]).astype("int32")
    inputs = {"token_ids": rng.integers(1, 20, (3, 9)).astype("int32") * mask, "padding_mask": mask}
    return inputs | ({"segment_ids": (np.arange(9) > 3) * mask} if "segment_ids" in backbone.input else {})


def sequence_of(outputs):
    return outputs["sequence_output"] if isinstance(outputs, dict) else outputs


@pytest.mark.parametrize("make", [bert, roberta])
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_where_all_are_placed_it_is_the_backbone_to_the_bit(make, policy, rng):
    backbone = make(dtype=policy)
    inputs = inputs_for(backbone, rng)
    found = partly_placed(backbone, inputs, np.ones((3, 9), "int32"))
    np.testing.assert_array_equal(found, sequence_of(backbone(inputs)))


@pytest.mark.parametrize("make", [bert, roberta])
def test_where_none_is_placed_it_is_the_backbone_with_positions_of_zero(make, rng):
    backbone = make()
    inputs = inputs_for(backbone, rng)
    found = np.asarray(partly_placed(backbone, inputs, np.zeros((3, 9), "int32")))
    table = position_embedding_of(backbone).position_embeddings
    assert np.abs(found - sequence_of(backbone(inputs))).max() > 1e-3
    table.assign(np.zeros(table.shape))
    np.testing.assert_array_equal(found, sequence_of(backbone(inputs)))


def test_drops_out_in_training_alone(rng):
    backbone = bert(dropout=0.5)
    inputs, placed = inputs_for(backbone, rng), np.ones((3, 9), "int32")
    still = [np.asarray(partly_placed(backbone, inputs, placed)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert np.abs(partly_placed(backbone, inputs, placed, training=True) - still[0]).max() > 0.1


def test_refuses_other_backbones():
    xlnet = keras_hub.models.XLNetBackbone(**SIZES)
    for backbone in (xlnet, keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])):
        with pytest.raises(ValueError, match="`backbone` must be built as keras-hub's BertBackbone"):
            position_embedding_of(backbone)
