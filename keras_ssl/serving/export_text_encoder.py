"""Export of a text encoder: one SavedModel of texts, one of token ids."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import backbones
from keras_ssl.augment.text import TokenTable
from keras_ssl.serving import signatures
from keras_ssl.serving.examples import first_texts
from keras_ssl.serving.features import features_of, tolerance_of
from keras_ssl.serving.text_signature import TextInputs, forgetful, text_signature
from keras_ssl.serving.versions import IDS, STRINGS, new_targets
from keras_ssl.serving.write_versions import Version, write_versions


def export_text_encoder(
    encoder,
    tokenizer,
    directory,
    *,
    examples,
    max_length=None,
    tokens=None,
    output_name="embedding",
    pooling=None,
    normalize=False,
    version=None,
    tolerance=None,
):
    """Writes a text encoder as two SavedModels that are served without Python: from texts, and from token ids.

    `directory/strings/<version>` has the tokenizer inside: its input `texts` is strings of shape `(batch,)`, in UTF-8,
    which are cut into pieces, packed and padded as for training. A server must have the operations of tensorflow_text
    to load it; those that it needs are listed in `assets.extra/op_libraries.json`. `directory/ids/<version>` needs
    nothing but TensorFlow: its inputs are the encoder's own, `token_ids`, `padding_mask` and `segment_ids`, of shape
    `(batch, length)`. Both have the one signature `serving_default` and the same `float32` outputs.

    Both are written aside, loaded again and compared with Keras, as by `export_encoder`, and only then renamed, the
    ids first: where there are strings, there are ids of the same version.

    Args:
        encoder: Built Functional model from a dict of token ids (`keras_ssl.backbones.pool` of a text backbone) to
            `(batch, features)`, or an objective over tokens, of which its encoder is exported.
        tokenizer: Tokenizer of keras-hub: WordPiece (BERT), byte-level BPE (RoBERTa, GPT-2, BART) or SentencePiece
            (T5, ALBERT). Any other layer whose `call` makes a RaggedTensor of ids in TensorFlow's graph will do, too.
        directory: Path of the folder with both, made where there is none.
        examples: Real texts: list of str, array of strings, or a source of texts. At most 32 are used.
        max_length: int, the most ids of a text, start and end among them; what is longer is cut. By default what the
            backbone can take, which is slow for long texts.
        tokens: `keras_ssl.augment.text.TokenTable`, how ids are packed. By default the objective's, else the
            tokenizer's.
        output_name: str, the name of the one output.
        pooling: str, `"cls"`, `"avg"`, `"max"` or `"last"`, instead of the encoder's own.
        normalize: bool, True for embeddings of length 1; a zero vector stays zero.
        version: int, 1 or more. By default one more than the newest of either.
        tolerance: float, the largest difference from Keras allowed, for embeddings above 1 a share of the largest
            number. By default 1e-4, and 1e-2 where the encoder computes in half precision.

    Returns:
        Dict of `"ids"` and `"strings"` to the `pathlib.Path` of the version folder.

    Raises:
        ValueError: If the encoder is not built or takes other inputs, the tokenizer is no layer or cannot run in a
            graph, the examples are no texts, a version exists, a directory cannot be written, or a reloaded model
            gives other numbers than Keras.

    Example:

    >>> import tempfile
    >>> import keras, keras_hub
    >>> from keras_ssl.serving import export_text_encoder
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "##s"]
    >>> tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=words, lowercase=True)
    >>> ids = keras.Input((None,), dtype="int32", name="token_ids")
    >>> vectors = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(len(words), 4)(ids))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     paths = export_text_encoder(
    ...         keras.Model({"token_ids": ids}, vectors), tokenizer, directory, examples=["A cat", "cats"], max_length=8
    ...     )
    ...     {name: path.parts[-2:] for name, path in paths.items()}
    {'ids': ('ids', '1'), 'strings': ('strings', '1')}
    """
    if not isinstance(tokenizer, keras.Layer):
        raise ValueError(
            f"`tokenizer` must be a layer, such as a tokenizer of keras-hub. Received: tokenizer={tokenizer!r}"
        )
    tokens = tokens or getattr(encoder, "tokens", None) or TokenTable.of(tokenizer)
    model, feature_key = features_of(encoder, pooling=pooling, normalize=normalize)
    texts = first_texts(examples)
    text_inputs = TextInputs(_input_names(model), tokens, _length(model, tokens, max_length))
    arrays = signatures.array_signature(
        model,
        _in_graph(text_inputs, tokenizer, texts),
        feature_key=feature_key,
        output_name=output_name,
        normalize=normalize,
    )
    exported = forgetful(tokenizer)
    strings = text_signature(arrays, exported, text_inputs, texts)
    ids_target, strings_target = new_targets([pathlib.Path(directory, name) for name in (IDS, STRINGS)], version)
    write_versions(
        [Version(ids_target, [arrays], [model]), Version(strings_target, [strings], [model, exported])],
        tolerance_of(model) if tolerance is None else tolerance,
    )
    return {IDS: ids_target, STRINGS: strings_target}


def _input_names(model):
    structure = signatures.structure_of(model, "input")
    return list(structure) if isinstance(structure, dict) else [x.name for x in model.inputs]


def _length(model, tokens, max_length):
    """The most ids of a text, checked against what the backbone can take."""
    try:
        backbone = backbones.backbone_of(model)
    except ValueError:
        # An encoder of another kind, which tells neither.
        backbone = None
    size, longest = (getattr(backbone, name, None) for name in ("vocabulary_size", "max_sequence_length"))
    if size is not None and tokens.size > size:
        raise ValueError(
            f"`tokenizer` must have at most the {size} ids of the backbone's vocabulary. "
            f"Received: a vocabulary of {tokens.size}"
        )
    if max_length is None and longest is None:
        raise ValueError("`max_length` must be given: the encoder does not tell it. Received: max_length=None")
    around = sum(one is not None for one in (tokens.start_id, tokens.end_id))
    length = longest if max_length is None else max_length
    if not isinstance(length, int) or not around < length <= (longest or length):
        raise ValueError(
            f"`max_length` must be an int above {around}, the ids around a text, and at most what the backbone can "
            f"take, {longest or 'any number'}. Received: max_length={max_length!r}"
        )
    return length


def _in_graph(text_inputs, tokenizer, texts):
    """The ids of the examples, made in a graph as `tf.data` does it: eagerly keras-hub has other code."""
    try:
        inputs = tf.function(lambda texts: text_inputs(tokenizer, texts))(tf.constant(texts))
    except (TypeError, AttributeError, NotImplementedError) as error:
        raise ValueError(
            "`tokenizer` must be operations of TensorFlow, which can run without Python. "
            f"Received: tokenizer={tokenizer!r}, {type(error).__name__}: {str(error).strip().splitlines()[0]}"
        ) from error
    return {name: np.asarray(value) for name, value in inputs.items()}
