"""The head that names hidden tokens."""


def masked_lm_head(backbone, input_dim):
    """keras-hub's head of masked language models for a backbone, built: its last layer is the token embedding.

    Args:
        backbone: text backbone of keras-hub with a reversible `token_embedding`.
        input_dim: int, width of the outputs that come in; the embeddings may be narrower, as ALBERT's.

    Returns:
        `keras_hub.layers.MaskedLMHead`, from outputs `(rows, length, hidden)` and places `(rows, count)` to logits
        `(rows, count, vocabulary)`.

    Raises:
        ValueError: If the backbone has no such token embedding.
    """
    import keras
    from keras_hub.layers import MaskedLMHead

    embedding = getattr(backbone, "token_embedding", None)
    if not isinstance(embedding, keras.layers.ReversibleEmbedding):
        raise ValueError(
            "`backbone` must be a text backbone of keras-hub with a reversible `token_embedding`. "
            f"Received: backbone={backbone!r}"
        )
    head = MaskedLMHead(
        token_embedding=embedding,
        intermediate_activation="gelu",
        kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        dtype=backbone.dtype_policy,
        name="masked_lm_head",
    )
    head.build((None, None, input_dim))
    return head
