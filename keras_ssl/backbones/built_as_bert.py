"""Encoders of keras-hub that are built as BERT is: embeddings, then transformer layers one after the other."""


def transformer_layers_of(backbone):
    """The transformer layers of an encoder that is built as BERT is: a list of `keras_hub.layers.TransformerEncoder`.

    Args:
        backbone: `BertBackbone`, `RobertaBackbone`, `ElectraBackbone` or another of keras-hub that is built like them.

    Raises:
        ValueError: If the backbone is built of other layers.
    """
    from keras_hub.layers import TransformerEncoder

    deep = getattr(backbone, "transformer_layers", None)
    parts = ("token_embedding", "embeddings_layer_norm", "embeddings_dropout")
    built = deep and all(isinstance(layer, TransformerEncoder) for layer in deep)
    if not built or not all(hasattr(backbone, part) for part in parts):
        raise ValueError(
            "`backbone` must be built as keras-hub's BertBackbone or RobertaBackbone: embeddings and then "
            f"TransformerEncoders. Received: backbone={backbone!r}"
        )
    return deep


def last_embedding_layer(backbone):
    """The layer whose output the first transformer layer takes: dropout, or ELECTRA's projection behind it."""
    return getattr(backbone, "embeddings_projection", backbone.embeddings_dropout)
