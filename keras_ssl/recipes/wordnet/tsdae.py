"""TSDAE on the glosses of WordNet's nouns.

keras-ssl pretrain tsdae_wordnet --init-from runs/masked_lm_wordnet-1

Measured: ridge 0.599, recall@10 0.079 (seed 0; 415 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The paper's share of deleted words; the mean over tokens, as the run that it goes on from has it."""
    model = objectives.TSDAE(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe(
    "tsdae",
    "TSDAE",
    "2104.06979",
    build,
    scores={"ridge": 0.599, "recall@10": 0.079, "seconds": 415},
    summary="TSDAE with a small transformer on 74,000 glosses of WordNet's nouns",
    data="wordnet/supersense",  # each piece of each text is written: a third less of them
    epochs=1,
    after="masked_lm_wordnet",
)
