"""What objectives over token ids have in common."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_ssl import backbones, optimizers, schedules
from keras_ssl.augment.text import TokenTable, graph_tokenizer, pack
from keras_ssl.objectives.base import SelfSupervisedModel

_IGNORED = {"is_random"}  # of keras_ssl.data.SegmentPairs, from which any objective over tokens may learn


class TokenModel(SelfSupervisedModel):
    """An objective over token ids, on a text backbone of keras-hub; the encoder to leave with is that backbone, pooled.

    Of an encoder-decoder, such as `T5Backbone`, it is the encoder alone.

    `x` is a dict with `token_ids`, int32 of shape `(rows, length)`, padded; or that tensor itself. Beside them there
    may be `segment_ids`, of the same shape, for backbones that take them, and `word_ids`, the number of the word of
    each piece in its row, -1 for none, where words cannot be told from the pieces, as in Chinese.

    Args:
        backbone: text backbone of keras-hub. An `XLNetBackbone` is replaced by its `backbones.TwoStreamXLNet`, which
            has the same weights and is right for batches.
        tokenizer: tokenizer of keras-hub with the vocabulary of the backbone, saved with the model. It may be None for
            training on ids; what takes texts (`embed` and its like) needs it.
        tokens: `keras_ssl.augment.text.TokenTable`, what is to be known of the vocabulary; None for that of the
            tokenizer.
        pooling: `"cls"`, `"avg"`, `"max"` or `"last"`, how the encoder makes one vector of a text, see
            `keras_ssl.backbones.pool`.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Attributes:
        uses_pooled_output: whether the objective learns from BERT's `pooled_output`.

    Raises:
        ValueError: If neither tokenizer nor table is given, the vocabulary is larger than the backbone's, or the
            backbone sees padding.
    """

    uses_pooled_output = False
    takes_views = False
    views_in_pipeline = True

    def __init__(self, backbone, tokenizer=None, *, tokens=None, pooling="cls", **kwargs):
        if backbones.is_xlnet(backbone):
            backbone = backbones.TwoStreamXLNet(backbone)
        text_encoder = backbones.text_encoder(backbone)
        super().__init__(backbones.pool(text_encoder, pooling), **kwargs)
        if "padding_mask" not in self.encoder.input or not hasattr(backbone, "token_embedding"):
            raise ValueError(
                "`backbone` must be a text backbone of keras-hub that takes a `padding_mask`: else padding would be "
                f"read as text. Received: backbone={backbone!r}"
            )
        if tokens is None and tokenizer is None:
            raise ValueError("`tokenizer` must be given, or `tokens`, the table of one. Received: tokenizer=None")
        self.backbone = backbone
        self.text_encoder = text_encoder
        self.tokenizer = tokenizer
        self.tokens = TokenTable.of(tokenizer) if tokens is None else tokens
        self.pooling = pooling
        self._tokenize = None
        size = backbone.token_embedding.input_dim  # ElectraBackbone has no `vocabulary_size`
        if self.tokens.size > size:
            raise ValueError(
                f"`tokenizer` must have at most the {size} ids of the backbone's vocabulary. "
                f"Received: a vocabulary of {self.tokens.size}"
            )

    @property
    def trainable_variables(self):
        """All that training moves: not BERT's dense layer on its first token, where the objective has no use for it."""
        unused = {} if self.uses_pooled_output else {id(one) for one in _pooled_dense(self.backbone)}
        return [variable for variable in super().trainable_variables if id(variable) not in unused]

    # Token ids.

    def padding_mask(self, token_ids):
        """1 for tokens, 0 for padding: int32 Tensor of shape `(rows, length)`."""
        return ops.cast(ops.not_equal(token_ids, self.tokens.pad_id), "int32")

    def inputs_of(self, token_ids, segment_ids=None):
        """The dict that backbone and encoder take: mask and, where they have some, segments added."""
        token_ids = ops.cast(token_ids, "int32")
        inputs = {"token_ids": token_ids, "padding_mask": self.padding_mask(token_ids)}
        if "segment_ids" in self.encoder.input:
            inputs["segment_ids"] = ops.zeros_like(token_ids) if segment_ids is None else ops.cast(segment_ids, "int32")
        return inputs

    def sequence(self, token_ids, segment_ids=None, training=False):
        """The backbone's output for each token, of an encoder-decoder its encoder's: `(rows, length, hidden)`."""
        outputs = self.text_encoder(self.inputs_of(token_ids, segment_ids), training=training)
        return outputs["sequence_output"] if isinstance(outputs, dict) else outputs

    def pooled(self, sequence, token_ids):
        """What the encoder makes of such an output: `(rows, feature_dim)`."""
        return backbones.pool_tokens(sequence, self.pooling, self.padding_mask(token_ids))

    def call(self, x, training=False):
        """The encoder's output for a batch, or for `x` alone."""
        x = x["x"] if isinstance(x, dict) and "x" in x else x
        x = token_inputs(x)
        return self.encoder(self.inputs_of(x["token_ids"], x.get("segment_ids")), training=training)

    def check_x(self, x):
        x = {name: value for name, value in token_inputs(x).items() if name not in _IGNORED}
        if not set(x) <= {"token_ids", "segment_ids", "word_ids"}:
            raise ValueError(
                "`x` must have no other keys than 'token_ids', 'segment_ids' and 'word_ids': the ids tell padding. "
                f"Received: keys {sorted(x)}"
            )
        for name, value in x.items():
            dtype = getattr(value.dtype, "name", str(value.dtype))
            if len(value.shape) != 2 or value.shape[1] == 0 or not dtype.startswith(("int", "uint")):
                raise ValueError(
                    f"`{name}` must be whole numbers of shape (rows, length), as a keras_ssl.data.TokenSource makes "
                    f"them from texts. Received: shape {tuple(value.shape)}, dtype {dtype}"
                )
        token_ids = x["token_ids"]
        for name, value in x.items():
            if value.shape[1] != token_ids.shape[1] and None not in (value.shape[1], token_ids.shape[1]):
                raise ValueError(
                    f"`{name}` must have the shape of `token_ids`, {tuple(token_ids.shape)}. "
                    f"Received: shape {tuple(value.shape)}"
                )
        longest = getattr(self.backbone, "max_sequence_length", None)
        if longest is not None and token_ids.shape[1] is not None and token_ids.shape[1] > longest:
            raise ValueError(
                f"`token_ids` must have at most the {longest} places that the backbone knows. "
                f"Received: shape {tuple(token_ids.shape)}"
            )
        segments = getattr(self.backbone, "num_segments", 2)
        ranges = {
            "token_ids": (0, self.tokens.size, "the vocabulary"),
            "segment_ids": (0, segments, "the segments that the backbone knows"),
            "word_ids": (-1, token_ids.shape[1], "numbered from 0 in each row, -1 for what is no word"),
        }
        for name, value in x.items():
            least, end, what = ranges[name]
            if isinstance(value, np.ndarray) and not (value.min() >= least and value.max() < end):
                raise ValueError(
                    f"`{name}` must be in [{least}, {end}), {what}. Received: {value.min()} to {value.max()}"
                )

    # Texts.

    def ids_of(self, texts, length=None):
        """Ids of texts with start and end, padded: int32 Tensor of shape `(texts, length)`.

        Args:
            texts: list of str.
            length: int, or None for the longest text, at most what the backbone knows.

        Raises:
            ValueError: If the model has no tokenizer, or `texts` is no list of texts.
        """
        return self.packed(self.pieces_of(texts), length)

    def pieces_of(self, texts):
        """Ids of texts, without start and end: a list of lists of ints."""
        check_texts(texts)
        tokenizer = self.need_tokenizer()
        if self._tokenize is None or self._tokenize[0] is not tokenizer:
            self._tokenize = (tokenizer, graph_tokenizer(tokenizer))
        return self._tokenize[1](tf.constant(list(texts))).to_list()

    def packed(self, pieces, length=None):
        """Lists of ids as one int32 Tensor with start, end and padding, cut to what the backbone knows."""
        ragged = tf.ragged.constant(pieces, dtype="int32", ragged_rank=1)
        longest = getattr(self.backbone, "max_sequence_length", None)
        if length is None and longest is not None:
            around = sum(one is not None for one in (self.tokens.start_id, self.tokens.end_id))
            length = min(longest, max(1, *map(len, pieces)) + around)
        return pack(ragged, self.tokens, length)

    def need_tokenizer(self):
        """The tokenizer; ValueError if there is none."""
        if self.tokenizer is None:
            raise ValueError(
                f"`tokenizer` must be given to {type(self).__name__} for it to read texts: set `model.tokenizer`. "
                "Received: tokenizer=None"
            )
        return self.tokenizer

    def embed(self, texts, batch_size=256):
        """Vectors of texts by the encoder: float32 array of shape `(texts, feature_dim)`.

        Args:
            texts: list of str.
            batch_size: int, texts at a time.
        """
        pieces = self.pieces_of(texts)
        order = np.argsort([len(piece) for piece in pieces], kind="stable")  # a batch is padded to its own longest
        batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
        vectors = [self._vectors(self.packed([pieces[row] for row in rows])) for rows in batches]
        return np.concatenate(vectors).astype("float32")[np.argsort(order)]

    def _vectors(self, token_ids):
        # Not `predict_on_batch`, by which each of several replicas would give all rows.
        inputs = {name: ops.convert_to_numpy(value) for name, value in self.inputs_of(token_ids.numpy()).items()}
        return self.encoder.predict(inputs, batch_size=len(token_ids), verbose=0)

    # Training and saving.

    def default_optimizer(self):
        """BERT's: AdamW at 1e-4 with weight decay .01, warm-up over a hundredth, a straight line down, norm 1."""
        rate = schedules.WarmupLinear(peak=1e-4)
        return optimizers.AdamWOnMatrices(rate, weight_decay=0.01, epsilon=1e-6, global_clipnorm=1.0)

    def get_config(self):
        config = super().get_config()
        del config["encoder"], config["feature_key"]
        tokenizer = None if self.tokenizer is None else keras.saving.serialize_keras_object(self.tokenizer)
        return {
            **config,
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "tokenizer": tokenizer,
            "tokens": keras.saving.serialize_keras_object(self.tokens),
            "pooling": self.pooling,
        }


def _pooled_dense(backbone):
    layer = getattr(backbone, "pooled_dense", None)
    return () if layer is None else layer.variables


def check_texts(texts):
    """Refuses what is no list of texts, a single one too."""
    if isinstance(texts, str) or not len(texts) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"`texts` must be a list of one or more texts. Received: texts={texts!r}")


def token_inputs(x):
    """`x` as a dict with `token_ids`: it may be that tensor itself."""
    x = x if isinstance(x, dict) else {"token_ids": x}
    if "token_ids" not in x:
        raise ValueError(f"`x` must have the key 'token_ids'. Received: keys {sorted(x)}")
    return x
