"""XLNet on the glosses of WordNet.

keras-ssl pretrain permutation_lm_wordnet

Measured: ridge 0.543, recall@10 0.021 (seed 0; 451 s on two cores).
"""

from keras_ssl import objectives
from keras_ssl.recipes.wordnet import common


def xlnet(tokenizer):
    """An XLNet of the size of the other recipes' BERT."""
    from keras_hub.models import XLNetBackbone

    return XLNetBackbone(tokenizer.vocabulary_size(), 2, 4, 256, 512, dropout=0.0)


def build(backbone, tokenizer, seed, pretrained):
    """The paper's sixth of the pieces is predicted; both streams cost twice what one does."""
    return common.compiled(objectives.PermutationLM(backbone, tokenizer, seed=seed), pretrained)


RECIPE = common.recipe(
    "permutation_lm",
    "PermutationLM",
    "1906.08237",
    build,
    scores={"ridge": 0.543, "recall@10": 0.021, "seconds": 451},
    backbone=xlnet,
    epochs=1,
)
