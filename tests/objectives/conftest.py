"""Tiny text backbones without dropout, so that two replicas equal one batch, and a vocabulary for them."""

import keras_hub
import numpy as np
import pytest

from keras_ssl.augment.text import TokenTable

WORDS = "the a big small old red cat dog bird fish horse saw heard chased liked met".split()
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "##ing", "##er", "##ly", "."]


@pytest.fixture(scope="session")
def tokenizer():
    return keras_hub.models.BertTokenizer(vocabulary=PIECES)


@pytest.fixture(scope="session")
def table(tokenizer):
    return TokenTable.of(tokenizer)


@pytest.fixture
def tiny_bert():
    """A function that makes a BERT of one layer."""

    def make(**options):
        settings = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "dropout": 0.0}
        return keras_hub.models.BertBackbone(
            vocabulary_size=len(PIECES), max_sequence_length=16, **{**settings, **options}
        )

    return make


@pytest.fixture
def sentences(rng, table):
    """32 rows of ids, 8 to 12 long, padded to 12."""
    ids = rng.integers(5, table.size, (32, 12)).astype("int32")
    lengths = rng.integers(8, 13, 32)
    ids[:, 0] = table.start_id
    ids[np.arange(32), lengths - 1] = table.end_id
    ids[np.arange(12) >= lengths[:, None]] = table.pad_id
    return ids
