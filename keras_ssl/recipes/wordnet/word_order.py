"""Shuffled words and hidden places on the glosses of WordNet.

keras-ssl pretrain word_order_wordnet --init-from runs/masked_lm_wordnet-1

Measured: ridge 0.474, recall@10 0.005 (seed 0; 170 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def build(backbone, tokenizer, seed, pretrained):
    """The mean over tokens, for no token is trained to stand for all.

    From a masked language model, which StructBERT learns with it, and at a lower rate: from nothing it found .20 of the
    places, and the kinds of things got lost (ridge .384, untrained .423).
    """
    model = objectives.WordOrder(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained, rate=3e-4)


RECIPE = common.recipe(
    "word_order",
    "WordOrder",
    "1908.04577",
    build,
    scores={"ridge": 0.474, "recall@10": 0.005, "seconds": 170},
    epochs=1,
    after="masked_lm_wordnet",
)
