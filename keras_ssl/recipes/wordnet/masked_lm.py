"""Masked language modelling on the glosses of WordNet.

keras-ssl pretrain masked_lm_wordnet

Measured: ridge 0.504, recall@10 0.028 (mean of 3 seeds; 449 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The mean over tokens makes better vectors than the first one, which nothing trains here."""
    model = objectives.MaskedLM(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe(
    "masked_lm", "MaskedLM", "1810.04805", build, scores={"ridge": 0.504, "recall@10": 0.028, "seconds": 449}
)
