"""A text backbone in which some tokens are not told their position."""

import tensorflow as tf
from keras import ops

from keras_ssl.backbones.built_as_bert import transformer_layers_of


def position_embedding_of(backbone):
    """The layer by which a text backbone tells its tokens where they stand.

    Args:
        backbone: `BertBackbone` or `RobertaBackbone` of keras-hub, or one that is built of the same layers.

    Returns:
        `keras_hub.layers.PositionEmbedding`.

    Raises:
        ValueError: If the backbone is built of other layers.
    """
    transformer_layers_of(backbone)
    holder = backbone if hasattr(backbone, "position_embedding") else getattr(backbone, "embeddings", None)
    embedding = getattr(holder, "position_embedding", None)
    if embedding is None:
        raise ValueError(
            "`backbone` must have a position embedding, as keras-hub's BertBackbone or RobertaBackbone, which can be "
            f"left out. Received: backbone={backbone!r}"
        )
    return embedding


def partly_placed(backbone, inputs, placed, training=False):
    """The backbone's output where only some tokens are told their position.

    The others enter without a position embedding; that is all that tells a transformer where a token stands. Where all
    are told, these are the backbone's own numbers.

    Args:
        backbone: see `position_embedding_of`.
        inputs: dict that the backbone takes.
        placed: Tensor of shape `(rows, length)`, 1 for tokens that are told their position, 0 for the others.
        training: bool.

    Returns:
        Tensor of shape `(rows, length, hidden)`, in the compute dtype.

    Raises:
        ValueError: If the backbone is built of other layers.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import backbones
    >>> backbone = keras_hub.models.RobertaBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4, max_sequence_length=8
    ... )
    >>> inputs = {"token_ids": np.array([[3, 5, 3]]), "padding_mask": np.ones((1, 3), "int32")}
    >>> tokens = np.asarray(backbones.partly_placed(backbone, inputs, placed=np.array([[0, 1, 0]])))
    >>> bool((tokens[0, 0] == tokens[0, 2]).all())  # without positions, equal ids are equal
    True
    """
    position_embedding = position_embedding_of(backbone)
    tokens = backbone.token_embedding(inputs["token_ids"])
    positions = position_embedding(tokens)
    x = tokens + tf.where(ops.cast(placed, "bool")[:, :, None], positions, ops.zeros_like(positions))
    if "segment_ids" in inputs:
        x = x + backbone.segment_embedding(inputs["segment_ids"])
    x = backbone.embeddings_layer_norm(x)
    x = backbone.embeddings_dropout(x, training=training)
    if hasattr(backbone, "embeddings_projection"):  # ELECTRA's, where embeddings are narrower than layers
        x = backbone.embeddings_projection(x)
    for layer in backbone.transformer_layers:
        x = layer(x, padding_mask=inputs["padding_mask"], training=training)
    return x
