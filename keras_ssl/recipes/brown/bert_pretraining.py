"""BERT on the documents of the Brown corpus: masked language modelling and next sentence.

keras-ssl pretrain bert_pretraining_brown --init-from runs/masked_lm_wordnet-1

Measured: ridge 0.491, recall@10 0.030 (seed 0; 398 s on two cores).
"""

from keras_ssl import data, objectives
from keras_ssl.recipes.wordnet import common


def arrange(texts, tokenizer):
    """Pairs of segments, half of them of two documents."""
    return data.SegmentPairs(common.tokens(texts, tokenizer), length=64)


def build(backbone, tokenizer, seed, pretrained):
    """The mean over tokens makes better vectors than the first one, which learns to tell documents apart."""
    model = objectives.BERTPretraining(backbone, tokenizer, pooling="avg", seed=seed)
    return common.compiled(model, pretrained)


RECIPE = common.recipe(
    "bert_pretraining",
    "BERTPretraining",
    "1810.04805",
    build,
    scores={"ridge": 0.491, "recall@10": 0.03, "seconds": 398},
    name="bert_pretraining_brown",
    summary="BERTPretraining with a small transformer on the 500 documents of the Brown corpus",
    data="brown",
    batch_size=16,  # 694 batches of 32 pairs of 96 pieces taught next to nothing
    epochs=2,
    after="masked_lm_wordnet",
    arrange=arrange,
    judged_by=("wordnet/supersense", "wordnet/pairs"),
)
