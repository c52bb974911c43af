import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import backbones
from keras_ssl.serving import export_text_encoder

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "a", "cafe", "cat", "dog", "ran", ".", ",", "中", "文"]
PIECES += ["##s", "##ing", "walk"]
TEXTS = ["The cats ran.", "walking dogs, a café", "中文 cat", ""]
MAX_LENGTH = 10


@pytest.fixture
def encoder():
    """A convolutional encoder of raw pixels, with moving statistics that differ from those of a fresh layer."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(4, 3)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(5)(x))
    normalization = model.layers[3]
    normalization.moving_mean.assign([0.1, -0.2, 0.3, 0.4])
    normalization.moving_variance.assign([0.5, 2.0, 1.5, 3.0])
    return model


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (8, 8, 8, 3), "uint8")


@pytest.fixture
def token_encoder():
    """An encoder of two named inputs: token ids and the mask of what is not padding."""
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="bool", name="padding_mask")
    x = keras.layers.Embedding(10, 4)(ids)
    return keras.Model({"token_ids": ids, "padding_mask": mask}, keras.layers.GlobalAveragePooling1D()(x, mask=mask))


@pytest.fixture
def tokens(rng):
    return {"token_ids": rng.integers(0, 10, (3, 6)), "padding_mask": np.arange(6) < np.array([[6], [2], [4]])}


@pytest.fixture(scope="session")
def text_tokenizer():
    return keras_hub.tokenizers.BertTokenizer(vocabulary=PIECES, lowercase=True, strip_accents=True)


@pytest.fixture(scope="session")
def text_encoder():
    """The mean over the tokens, so that each of them counts."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(PIECES),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=16,
    )
    return backbones.pool(backbone, "avg")


@pytest.fixture(scope="session")
def text_export(text_encoder, text_tokenizer, tmp_path_factory):
    """The folder of one export. Change copies only."""
    directory = tmp_path_factory.mktemp("text")
    export_text_encoder(text_encoder, text_tokenizer, directory, examples=TEXTS, max_length=MAX_LENGTH)
    return directory
