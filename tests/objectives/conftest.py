"""Tiny text backbones without dropout, so that two replicas equal one batch, and a vocabulary for them."""

import inspect

import keras
import keras_hub
import numpy as np
import pytest

from keras_ssl import backbones
from keras_ssl.augment.text import TokenTable

WORDS = [
    *("the", "a", "big", "small", "old", "red", "cat", "dog", "bird", "fish", "horse"),
    *("saw", "heard", "chased", "liked", "met"),
]
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
def wide_bert(tiny_bert):
    """A function that makes such a BERT with large weights: so narrow, small ones make first tokens nearly alike."""

    def make(**options):
        backbone = tiny_bert(**options)
        for variable in backbone.trainable_variables:
            if len(variable.shape) > 1:
                variable.assign(variable * 50.0)
        return backbone

    return make


@pytest.fixture
def tiny_t5():
    """A function that makes a T5 of one layer with twelve ids beyond the vocabulary, bfloat16 in float16's place."""

    def make(**options):
        half = keras.config.dtype_policy().compute_dtype == "float16"
        settings = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "dropout": 0.0}
        settings |= {"vocabulary_size": len(PIECES) + 12, "dtype": "mixed_bfloat16" if half else None}
        return backbones.redraw_equal_embeddings(keras_hub.models.T5Backbone(**{**settings, **options}))

    return make


@pytest.fixture
def tiny_bart():
    """A function that makes a BART of one layer."""

    def make(**options):
        settings = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "dropout": 0.0}
        settings |= {"vocabulary_size": len(PIECES), "max_sequence_length": 16}
        return keras_hub.models.BartBackbone(**{**settings, **options})

    return make


@pytest.fixture
def tiny_gpt2():
    """A function that makes a GPT-2 of one layer."""

    def make(**options):
        settings = {"vocabulary_size": len(PIECES), "num_layers": 1, "num_heads": 2, "hidden_dim": 8}
        settings |= {"intermediate_dim": 16, "dropout": 0.0, "max_sequence_length": 16}
        return keras_hub.models.GPT2Backbone(**{**settings, **options})

    return make


@pytest.fixture
def tiny_xlnet():
    """A function that makes an XLNet of two layers."""

    def make(**options):
        settings = {"num_layers": 2, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16, "dropout": 0.0}
        return keras_hub.models.XLNetBackbone(vocabulary_size=len(PIECES), **{**settings, **options})

    return make


@pytest.fixture
def loud():
    """A function that makes all weights of a backbone large and different, so that nothing hides in small numbers."""

    def make(backbone):
        rng = np.random.default_rng(4)
        backbone.set_weights([value + rng.normal(0.0, 0.2, value.shape) for value in backbone.get_weights()])
        return backbone

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


# Options of the heads of pictures, which their subclasses save under names of their own.
NOT_SAVED = {"self", "args", "kwargs", "projection_options", "prediction_options"}


def another(value):
    """Another value of the same kind; the value itself where none is as good."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return 0.9 * value
    return value[1:] or value if isinstance(value, list) else value


@pytest.fixture(scope="session")
def check_config():
    """A function that proves that the config of an objective has every argument, and that others come back from it."""

    def check(model, left_out=()):
        kinds = [kind for kind in type(model).__mro__ if kind.__module__.startswith("keras_ssl")]
        arguments = {name for kind in kinds for name in inspect.signature(kind.__init__).parameters}
        arguments -= NOT_SAVED | set(left_out)
        config = model.get_config()
        assert sorted(arguments - set(config)) == []
        changed = {name: another(config[name]) for name in arguments}
        found = type(model).from_config({**config, **changed}).get_config()
        plain = [name for name in arguments if not isinstance(config[name], dict)]
        assert {name: found[name] for name in plain} == {name: changed[name] for name in plain}

    return check
