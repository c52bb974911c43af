"""Shuffled words and hidden places on the glosses of WordNet.

keras-ssl pretrain word_order_wordnet

Measured: ridge 0.384, recall@10 0.005 (seed 0; 331 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The mean over tokens, for no token is trained to stand for all."""
    model = objectives.WordOrder(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe(
    "word_order",
    "WordOrder",
    "1908.04577",
    build,
    scores={"ridge": 0.384, "recall@10": 0.005, "seconds": 331},
    epochs=1,
)
