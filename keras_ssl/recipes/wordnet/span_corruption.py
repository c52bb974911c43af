"""T5 on the glosses of WordNet.

keras-ssl pretrain span_corruption_wordnet

Measured: ridge 0.555, recall@10 0.021 (seed 0; 392 s on two cores).
"""

import keras

from keras_ssl import backbones, data, objectives, schedules
from keras_ssl.recipes.wordnet import common


def t5(tokenizer):
    """A T5 whose encoder is of the size of the other recipes' BERT."""
    from keras_hub.models import T5Backbone

    backbone = T5Backbone(
        tokenizer.vocabulary_size(), num_layers=2, num_heads=4, hidden_dim=256, intermediate_dim=512, dropout=0.0
    )
    return backbones.redraw_equal_embeddings(backbone)


def arrange(texts, tokenizer):
    """Several glosses in a row: of a single short one there would be one span to take out."""
    return data.PackedSource(common.tokens(texts, tokenizer), length=96)


def build(backbone, tokenizer, seed, pretrained):
    """The paper's spans of three pieces, 15 percent of all, and its optimizer.

    That moves each weight by a share of its size: T5's embeddings begin at one, which AdamW's thousand steps of at most
    a thousandth leave as they are (loss after 200 of them 5.6, with AdamW 6.3).
    """
    model = objectives.SpanCorruption(backbone, tokenizer, roll=True, seed=seed)
    model.compile(keras.optimizers.Adafactor(schedules.WarmupLinear(peak=1e-3 if pretrained else 1e-2)))
    return model


RECIPE = common.recipe(
    "span_corruption",
    "SpanCorruption",
    "1910.10683",
    build,
    scores={"ridge": 0.555, "recall@10": 0.021, "seconds": 392},
    backbone=t5,
    arrange=arrange,
    tokenizer=common.vocabulary("t5"),
    batch_size=16,
    epochs=2,
)
