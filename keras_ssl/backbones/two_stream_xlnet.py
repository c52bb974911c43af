"""An XLNet of keras-hub that is right for batches, and both of its streams."""

import keras
from keras import ops

_INPUTS = ("token_ids", "padding_mask", "segment_ids")


@keras.saving.register_keras_serializable("keras_ssl")
class TwoStreamXLNet(keras.Model):
    """A keras-hub XLNet with its own layers and weights, but positions and masks that are right for every batch.

    NOTE: `keras_hub.models.XLNetBackbone` itself reshapes its positions and its padding mask where they should be
    transposed, so its output for a text depends on the other rows of the batch. Its layers are right. This model calls
    them with relative positions and masks of its own, and takes and gives what the backbone does.

    As an encoder every token attends to all tokens of its row. `streams` attends in a given order, as XLNet is trained.

    Formula:
        relative position `r` is encoded as `[sin(r * w), cos(r * w)]`, `w_k = 10000**(-2 * k / hidden_dim)`

    NOTE: there is no memory of earlier segments.

    Args:
        backbone: `keras_hub.models.XLNetBackbone`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Call arguments:
        inputs: dict with `token_ids`, `padding_mask` (1 for tokens, 0 for padding) and `segment_ids`, int32 of shape
            `(rows, length)`.

    Returns:
        Tensor of shape `(rows, length, hidden_dim)`.

    Raises:
        ValueError: If `backbone` is no XLNet.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import backbones
    >>> xlnet = backbones.TwoStreamXLNet(
    ...     keras_hub.models.XLNetBackbone(
    ...         vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=4, intermediate_dim=4
    ...     )
    ... )
    >>> inputs = {"token_ids": np.array([[3, 4, 5], [6, 7, 8]])}
    >>> inputs |= {"padding_mask": np.ones((2, 3), "int32"), "segment_ids": np.zeros((2, 3), "int32")}
    >>> first = {name: value[:1] for name, value in inputs.items()}
    >>> bool(np.allclose(xlnet(inputs)[:1], xlnet(first), atol=1e-6))
    True

    Reference: XLNet, arXiv 1906.08237, sections 2.3 and 2.5; Transformer-XL, arXiv 1901.02860, section 3.3.
    """

    def __init__(self, backbone, **kwargs):
        if not is_xlnet(backbone):
            raise ValueError(f"`backbone` must be an XLNetBackbone of keras-hub. Received: backbone={backbone!r}")
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in _INPUTS}
        content, _ = _streams(backbone, **inputs)
        kwargs.setdefault("name", "two_stream_xlnet")
        super().__init__(inputs=inputs, outputs=content, **kwargs)
        self.xlnet = backbone

    @property
    def vocabulary_size(self):
        """Number of ids: int."""
        return self.xlnet.vocabulary_size

    @property
    def token_embedding(self):
        """The embedding of ids: `keras.layers.Embedding`."""
        return self.xlnet.token_embedding

    def streams(self, inputs, order, places, training=False):
        """Both streams, in an order of factorisation.

        A token's content sees all tokens that come no later in the order, so also itself. The query at a place sees the
        tokens that come before its own: where it stands, but not what stands there.

        Args:
            inputs: dict as for a call.
            order: int32 Tensor of shape `(rows, length)`, when each token comes; those with the same number see one
                another, as content.
            places: int32 Tensor of shape `(rows, count)`, different places of a row, whose queries are wanted.
            training: bool.

        Returns:
            Pair of Tensors: content of shape `(rows, length, hidden_dim)` and queries of shape `(rows, count,
            hidden_dim)`.
        """
        return _streams(self.xlnet, **inputs, order=order, places=places, training=training)

    def get_config(self):
        return {**super().get_config(), "backbone": keras.saving.serialize_keras_object(self.xlnet)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the model from `get_config`."""
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects=custom_objects)
        return cls(**{**config, "backbone": backbone})


def is_xlnet(backbone):
    """Whether a backbone is keras-hub's own XLNet, which is wrong for batches: bool."""
    from keras_hub.models import XLNetBackbone

    return isinstance(backbone, XLNetBackbone)


def _streams(xlnet, token_ids, padding_mask, segment_ids, order=None, places=None, training=None):
    """Content and queries; all in operations that also take the symbolic inputs of a functional model."""
    embedding = xlnet.content_query_embedding
    drop = embedding.dropout_layer  # for all: the backbone's own last one may have the same name, which Keras refuses
    place = ops.cumsum(ops.ones_like(token_ids), axis=1) - 1
    content = drop(xlnet.token_embedding(token_ids), training=training)
    relative = drop(ops.cast(_relative_positions(place, xlnet.hidden_dim), content.dtype), training=training)

    itself = ops.equal(place[:, :, None], place[:, None, :])
    sees = query_sees = ops.cast(padding_mask, "bool")[:, None, :]
    query = to_places = None
    if order is not None:
        query_sees = ops.logical_and(sees, ops.less(order[:, None, :], order[:, :, None]))
        sees = ops.logical_and(sees, ops.less_equal(order[:, None, :], order[:, :, None]))
        to_places = ops.cast(ops.equal(places[:, :, None], place[:, None, :]), content.dtype)
        unknown = ops.cast(ops.convert_to_tensor(xlnet.attn_mask_layer.mask_emb), content.dtype)
        shape = ops.shape(places)
        query = drop(ops.broadcast_to(unknown, (shape[0], shape[1], xlnet.hidden_dim)), training=training)
    sees = ops.logical_or(sees, itself)
    query_sees = ops.logical_and(query_sees, ops.ones_like(itself))

    other_segment = ops.not_equal(segment_ids[:, :, None], segment_ids[:, None, :])
    for layer in xlnet.transformer_layers:
        content, query = layer(
            output_content=content,
            attn_mask_content=sees,
            attn_mask_query=query_sees,
            pos_emb=relative,
            seg_mat=other_segment,
            **({} if order is None else {"output_query": query, "target_mapping": to_places, "training": training}),
        )
    return drop(content, training=training), None if order is None else drop(query, training=training)


def _relative_positions(place, hidden_dim):
    """Encodings of the relative positions from `length` down to `1 - length`: `(rows, 2 * length, hidden_dim)`."""
    length = ops.max(place, axis=1, keepdims=True) + 1
    distance = ops.cast(ops.concatenate([length - place, -place], axis=1), "float32")
    frequency = ops.power(10000.0, -ops.arange(0, hidden_dim, 2, dtype="float32") / hidden_dim)
    angle = distance[:, :, None] * frequency
    return ops.concatenate([ops.sin(angle), ops.cos(angle)], axis=-1)
