"""The small generator of ELECTRA, on the embeddings of its discriminator."""

import keras

from keras_ssl import backbones


def tied_generator(backbone, width_share):
    """A narrower copy of a backbone that reads tokens through the backbone's own embeddings.

    All that comes before the first transformer layer is shared (embeddings of tokens, places and segments, and their
    normalisation); a dense layer projects to the generator's width. It has as many layers as the backbone, and heads as
    wide as the backbone's.

    Args:
        backbone: `BertBackbone`, `RobertaBackbone` or another of keras-hub that is made like them.
        width_share: float in (0, 1], the generator's width over the backbone's.

    Returns:
        Functional model from the backbone's inputs to outputs `(rows, length, width)`.

    Raises:
        ValueError: If the backbone is not made like that.
    """
    from keras_hub.layers import TransformerEncoder

    backbones.transformer_layers_of(backbone)
    width = max(1, round(width_share * backbone.hidden_dim))
    started = {
        "kernel_initializer": keras.initializers.TruncatedNormal(stddev=0.02),
        "dtype": backbone.dtype_policy,
    }
    x = backbone.embeddings_dropout.output
    if x.shape[-1] != width:
        x = keras.layers.Dense(width, name="generator_projection", **started)(x)
    for depth in range(backbone.num_layers):
        layer = TransformerEncoder(
            intermediate_dim=4 * width,
            num_heads=max(1, width * backbone.num_heads // backbone.hidden_dim),
            dropout=backbone.dropout,
            activation="gelu",
            layer_norm_epsilon=1e-12,
            name=f"generator_layer_{depth}",
            **started,
        )
        x = layer(x, padding_mask=backbone.input["padding_mask"])
    return keras.Model(backbone.input, x, name="generator")
