"""ELECTRA on the glosses of WordNet.

keras-ssl pretrain replaced_token_detection_wordnet
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """A generator of a quarter of the width, as in the paper."""
    model = objectives.ReplacedTokenDetection(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe("replaced_token_detection", "ReplacedTokenDetection", "2003.10555", build)
