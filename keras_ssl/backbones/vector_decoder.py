"""A decoder that knows a text by one vector alone."""

import keras
from keras import ops

from keras_ssl.backbones.built_as_bert import last_embedding_layer, transformer_layers_of


class VectorDecoder(keras.layers.Layer):
    """The layers of an encoder as a decoder of what it has read: each place sees itself, those before it, and a vector.

    Embeddings and transformer layers are the backbone's own, not copies; behind each of these layers stands attention
    to the vector. Attention to a single place gives that place all of its weight, whatever is asked: it is a linear
    map, and written as one.

    Formula:
        `x = norm(y + W vector + b)`, `y = layer(x)` with a causal mask, for each layer.

    NOTE: in a decoder of transformers this attention stands within each layer, between its attention to the text and
    its dense layers. Those of keras-hub cannot be parted, so that it stands behind both.

    Args:
        backbone: `BertBackbone`, `RobertaBackbone` or another of keras-hub that is built like them.

    Raises:
        ValueError: If the backbone is built of other layers.
    """

    def __init__(self, backbone, name="vector_decoder"):
        super().__init__(dtype=getattr(backbone, "dtype_policy", None), name=name)
        self.transformer_layers = transformer_layers_of(backbone)
        inputs = {key: tensor for key, tensor in backbone.input.items() if key != "padding_mask"}
        self.embed = keras.Model(inputs, last_embedding_layer(backbone).output)
        self.reads, self.norms = [], []
        width = backbone.hidden_dim
        for number, _ in enumerate(self.transformer_layers):
            start = keras.initializers.TruncatedNormal(stddev=0.02)
            read = keras.layers.Dense(width, kernel_initializer=start, dtype=self.dtype_policy, name=f"read_{number}")
            norm = keras.layers.LayerNormalization(epsilon=1e-12, dtype=self.dtype_policy, name=f"norm_{number}")
            read.build((None, width))
            norm.build((None, None, width))
            self.reads.append(read)
            self.norms.append(norm)
        self.dropout = keras.layers.Dropout(backbone.dropout, dtype=self.dtype_policy)
        self.built = True

    def call(self, token_ids, vector, training=False):
        """Outputs for each place.

        Args:
            token_ids: int32 Tensor of shape `(rows, length)`.
            vector: Tensor of shape `(rows, hidden)`.
            training: bool.

        Returns:
            Tensor of shape `(rows, length, hidden)`.
        """
        segments = {"segment_ids": ops.zeros_like(token_ids)} if "segment_ids" in self.embed.input else {}
        x = self.embed({"token_ids": token_ids, **segments}, training=training)
        place = ops.arange(ops.shape(token_ids)[1])
        causal = ops.expand_dims(ops.expand_dims(place, 1) >= place, 0)
        for layer, read, norm in zip(self.transformer_layers, self.reads, self.norms, strict=True):
            x = layer(x, attention_mask=causal, training=training)
            x = norm(x + self.dropout(ops.expand_dims(read(vector), 1), training=training))
        return x
