"""SimCSE on definitions and examples of WordNet.

keras-ssl pretrain sim_cse_wordnet --init-from runs/masked_lm_wordnet-1

Measured: ridge 0.541, recall@10 0.190 (mean of 3 seeds; 330 s on two cores).
"""

import functools

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """Given pairs: two dropout passes of single texts teach so small a network little (recall@10 .033, before it .028).

    Texts that are no pairs are taken too, in two passes. It wants a backbone that knows the language: start from a run
    of `masked_lm_wordnet`, or from a preset.
    """
    model = objectives.SimCSE(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained, pretrained_rate=1e-4)


RECIPE = common.recipe(
    "sim_cse",
    "SimCSE",
    "2104.08821",
    build,
    scores={"ridge": 0.541, "recall@10": 0.19, "seconds": 330},
    summary="SimCSE with a small transformer on 30,000 definitions and examples of WordNet",
    data="wordnet/pairs",
    backbone=functools.partial(common.bert, dropout=0.1),
    batch_size=128,
    epochs=3,
    after="masked_lm_wordnet",
)
