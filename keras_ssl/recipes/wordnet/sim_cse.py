"""SimCSE on the glosses of WordNet.

keras-ssl pretrain sim_cse_wordnet --init-from runs/masked_lm_wordnet
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """Two dropout passes. It wants a backbone that knows the language: start from a run of `masked_lm_wordnet`."""
    model = objectives.SimCSE(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained, rate=3e-4, pretrained_rate=1e-4)


RECIPE = common.recipe("sim_cse", "SimCSE", "2104.08821", build, epochs=3, after="masked_lm_wordnet")
