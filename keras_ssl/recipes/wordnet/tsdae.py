"""TSDAE on the glosses of WordNet.

keras-ssl pretrain tsdae_wordnet
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The paper's settings; the vector is the first token's."""
    model = objectives.TSDAE(backbone, tokenizer, seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe("tsdae", "TSDAE", "2104.06979", build, epochs=1)
