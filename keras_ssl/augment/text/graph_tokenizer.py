"""The ids of a keras-hub tokenizer, as its graph gives them."""

import tensorflow as tf


def graph_tokenizer(tokenizer):
    """A function from texts to ids: those that a keras-hub tokenizer gives in a graph of TensorFlow.

    NOTE: Called outside of a graph, keras-hub's byte-pair tokenizers split numbers and signs in another way than inside
    of one. What is inside is GPT-2's rule, and what an exported model does.

    Args:
        tokenizer: keras-hub tokenizer with a vocabulary, which does not pad.

    Returns:
        `tf.function` from a string Tensor of shape `(rows,)` to an int32 RaggedTensor of shape `(rows, None)`.

    Raises:
        ValueError: If the tokenizer pads.

    Example:

    >>> import keras_hub
    >>> from keras_ssl.augment.text import graph_tokenizer
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning"]
    >>> tokenize = graph_tokenizer(keras_hub.tokenizers.BertTokenizer(vocabulary, lowercase=True))
    >>> tokenize(["Running", "run fast"]).to_list()
    [[5, 6], [5, 1]]
    """
    if getattr(tokenizer, "sequence_length", None) is not None:
        raise ValueError(
            f"`tokenizer` must not pad: make it without. Received: sequence_length={tokenizer.sequence_length}"
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def tokenize(texts):
        return tf.cast(tokenizer(texts), "int32")

    return tokenize
