"""GPT on the glosses of WordNet.

keras-ssl pretrain causal_lm_wordnet

Measured: ridge 0.529, recall@10 0.012 (seed 0; 267 s on two cores).
"""

from keras_ssl import data, objectives
from keras_ssl.recipes.wordnet import common


def gpt(tokenizer):
    """A GPT-2 of the size of the other recipes' BERT."""
    from keras_hub.models import GPT2Backbone

    return GPT2Backbone(tokenizer.vocabulary_size(), 2, 4, 256, 512, dropout=0.0, max_sequence_length=128)


def arrange(texts, tokenizer):
    """Glosses in a row, each closed by the end token."""
    return data.PackedSource(common.tokens(texts, tokenizer), length=64)


def build(backbone, tokenizer, seed, pretrained):
    """The last token has seen all others."""
    return common.compiled(objectives.CausalLM(backbone, tokenizer, seed=seed), pretrained)


RECIPE = common.recipe(
    "causal_lm",
    "CausalLM",
    "Radford et al. 2019",
    build,
    scores={"ridge": 0.529, "recall@10": 0.012, "seconds": 267},
    backbone=gpt,
    arrange=arrange,
    tokenizer=common.vocabulary("gpt2"),
    batch_size=16,  # of 64 pieces each, all of which are predicted
    epochs=1,
)
