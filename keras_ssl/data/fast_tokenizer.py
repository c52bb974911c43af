"""The ids of a keras-hub tokenizer, in one graph of TensorFlow and faster where that changes none of them."""

import tensorflow as tf

from keras_ssl.augment.text import graph_tokenizer

# On texts of these bytes alone, TensorFlow Text's tokenizer for BERT and keras-hub's give the same ids.
PLAIN = r"[\t\n\r -~]*"


def fast_tokenizer(tokenizer):
    """A function from texts to ids: those of `keras_ssl.augment.text.graph_tokenizer`, faster where it can be.

    Plain English that goes to WordPiece is tokenized by TensorFlow Text in one operation; any text with other
    characters, and all texts of other tokenizers, by keras-hub's operations.

    Args:
        tokenizer: keras-hub tokenizer with a vocabulary.

    Returns:
        `tf.function` from a string Tensor of shape `(rows,)` to an int32 RaggedTensor of shape `(rows, None)`.

    Example:

    >>> import keras_hub
    >>> from keras_ssl.data import fast_tokenizer
    >>> vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning"]
    >>> tokenize = fast_tokenizer(keras_hub.tokenizers.BertTokenizer(vocabulary, lowercase=True))
    >>> tokenize(["Running", "run fast"]).to_list()
    [[5, 6], [5, 1]]
    """

    slow = graph_tokenizer(tokenizer)
    if not _is_plain_word_piece(tokenizer):
        return slow
    fast = _fast_bert(tokenizer)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def tokenize(texts):
        plain = tf.strings.regex_full_match(texts, PLAIN)
        places = [tf.where(where)[:, 0] for where in (plain, ~plain)]
        parts = [fast.tokenize(tf.gather(texts, places[0])), slow(tf.gather(texts, places[1]))]
        in_order = tf.math.invert_permutation(tf.concat(places, axis=0))
        return tf.gather(tf.concat(parts, axis=0), in_order)

    return tokenize


def _is_plain_word_piece(tokenizer):
    import keras_hub

    is_word_piece = isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer)
    # Accents are no matter: there are none where the fast one is used.
    return (
        is_word_piece and tokenizer.split and not tokenizer.special_tokens_in_strings and not tokenizer.sequence_length
    )


def _fast_bert(tokenizer):
    import tensorflow_text

    return tensorflow_text.FastBertTokenizer(
        tokenizer.get_vocabulary(),
        suffix_indicator=tokenizer.suffix_indicator,
        unknown_token=tokenizer.oov_token,
        token_out_type=tf.int32,
        lower_case_nfd_strip_accents=tokenizer.lowercase,
    )
