"""A recipe on texts that takes a second."""

from keras_ssl import data, objectives
from keras_ssl.recipes import TextRecipe


def tokenizer(texts):
    return data.train_vocabulary(texts, size=64)


def backbone(tokenizer):
    from keras_hub.models import BertBackbone

    return BertBackbone(tokenizer.vocabulary_size(), 1, 2, 8, 16, max_sequence_length=16, dropout=0.0)


def arrange(texts, tokenizer):
    return data.tokenize(texts, tokenizer, max_length=16)


def build(backbone, tokenizer, seed, pretrained):
    model = objectives.MaskedLM(backbone, tokenizer, pooling="avg", seed=seed)
    model.compile("sgd" if pretrained else "adam")
    return model


RECIPE = TextRecipe(
    name="tiny_masked_lm",
    objective="MaskedLM",
    summary="a test",
    paper="1810.04805",
    data="texts.csv",
    epochs=2,
    batch_size=16,
    tokenizer=tokenizer,
    backbone=backbone,
    arrange=arrange,
    build=build,
)
