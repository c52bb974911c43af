"""Shuffled words and hidden places on the glosses of WordNet.

keras-ssl pretrain word_order_wordnet
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The mean over tokens, for no token is trained to stand for all."""
    model = objectives.WordOrder(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe("word_order", "WordOrder", "1908.04577", build, epochs=1)
