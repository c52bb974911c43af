import keras_hub
import pytest

from keras_ssl import backbones

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
COLOURS = ["red", "green", "blue", "white"]
BEASTS = ["cat", "dog", "horse", "hen"]


@pytest.fixture
def tokenizer():
    return keras_hub.models.BertTokenizer([*SPECIAL, *COLOURS, *BEASTS, "##s", "the", "is"])


@pytest.fixture
def text_backbone(tokenizer):
    return keras_hub.models.BertBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        dropout=0.1,
        max_sequence_length=16,
    )


@pytest.fixture
def text_encoder(text_backbone):
    return backbones.pool(text_backbone, "avg")


@pytest.fixture
def sentences(rng):
    """Sentences about colours, class 0, and about beasts, class 1."""
    labels = rng.integers(0, 2, 60)
    texts = [" ".join(rng.choice([COLOURS, BEASTS][label], rng.integers(1, 6))) for label in labels]
    return [f"the {text}" for text in texts], labels
