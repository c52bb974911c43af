"""Where words belong."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import backbones, losses, metrics
from keras_ssl.augment.text import ShuffleWords, length_of
from keras_ssl.objectives.token_model import TokenModel, token_inputs


@keras.saving.register_keras_serializable("keras_ssl")
class WordOrder(TokenModel):
    """Predicts where in a text pieces stood: words in a wrong order, or pieces that are not told their position.

    With a `shuffler` words change places, anew each time a text is seen, and each piece is told the position where it
    stands now. With a `sampler` the pieces that it chooses enter without a position embedding. In both cases, or where
    both are given, a linear head on the backbone's output names the original position of each piece that was moved or
    not told its own. Special ids stand where they belong and are told so; padding is not seen.

    Two equal pieces cannot be told apart, so one that stands twice in a text has a share of doubt that no model can
    remove.
    NOTE: StructBERT names the piece that belongs at a position, beside masked language modelling; here the head names
    the position that belongs to a piece, as in DropPos, and nothing else is learned.
    NOTE: StructBERT shuffles a twentieth of the runs of three words, here all words change places unless a `shuffler`
    says otherwise.
    NOTE: DropPos and MP3 hide some of the content too, and DropPos learns an embedding for "no position"; here all is
    seen and nothing is added. Text, unlike a picture, does not give a piece's position away by the edges of its
    neighbours.

    Logs the `accuracy` of the positions.

    Args:
        backbone: `BertBackbone` or `RobertaBackbone` of keras-hub.
        tokenizer, tokens, pooling: see `TokenModel`.
        shuffler: `keras_ssl.augment.text.ShuffleWords`, or None. All words are shuffled if neither this nor `sampler`
            is given.
        sampler: `keras_ssl.augment.text.TokenMask`, `WholeWordMask` or `SpanMask`, or None: the pieces that are not
            told their position. DropPos drops .75 of them.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the position embedding of the backbone cannot be left out.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> backbone = keras_hub.models.BertBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> table = augment.text.TokenTable(size=9, special_ids=(0,))
    >>> model = objectives.WordOrder(backbone, tokens=table, sampler=augment.text.TokenMask(rate=0.75))
    >>> model.compile()
    >>> history = model.fit(np.array([[3, 4, 5, 8, 6, 7], [6, 7, 8, 4, 0, 0]]), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss']

    Reference: StructBERT, arXiv 1908.04577, section 3.2 (words); DropPos, arXiv 2309.03576, and MP3, arXiv 2207.07611
    (positions).
    """

    terms = ("word_order",)
    diagnostics_names = ("accuracy",)

    def __init__(self, backbone, tokenizer=None, *, tokens=None, shuffler=None, sampler=None, **kwargs):
        super().__init__(backbone, tokenizer, tokens=tokens, **kwargs)
        places = backbones.position_embedding_of(backbone).sequence_length
        self.shuffler = ShuffleWords() if shuffler is None and sampler is None else shuffler
        self.sampler = sampler
        self.head = keras.layers.Dense(
            places,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=backbone.dtype_policy,
            name="position_head",
        )
        self.head.build((None, None, self.feature_dim))

    def views(self, batch, rng, training):
        x = token_inputs(batch["x"])
        token_ids = ops.cast(x["token_ids"], "int32")
        here = tf.zeros_like(token_ids) + tf.range(length_of(token_ids))
        origin, hidden = here, tf.zeros_like(token_ids, "bool")
        if self.shuffler is not None:
            origin = self.shuffler(token_ids, self.tokens, rng, x.get("word_ids"))
        if self.sampler is not None:
            chosen, _ = self.sampler(token_ids, self.tokens, rng, x.get("word_ids"))
            hidden = tf.gather(chosen, origin, batch_dims=1)
        views = {
            "token_ids": tf.gather(token_ids, origin, batch_dims=1),
            "placed": tf.cast(~hidden, "int32"),
            "origin": origin,
            "weights": tf.cast(hidden | (origin != here), "int32"),
        }
        return views | ({"segment_ids": x["segment_ids"]} if "segment_ids" in x else {})

    def forward(self, views, training):
        inputs = self.inputs_of(views["token_ids"], views.get("segment_ids"))
        sequence = backbones.partly_placed(self.backbone, inputs, views["placed"], training=training)
        z = self.pooled(sequence, views["token_ids"])
        return {"z": z, "logits": self.head(sequence), "labels": views["origin"], "weights": views["weights"]}

    def objective(self, outputs):
        return {"word_order": losses.token_cross_entropy(outputs["labels"], outputs["logits"], outputs["weights"])}

    def diagnostics(self, outputs):
        return {"accuracy": metrics.token_accuracy(outputs["labels"], outputs["logits"], outputs["weights"])}

    def get_config(self):
        return {
            **super().get_config(),
            "shuffler": None if self.shuffler is None else keras.saving.serialize_keras_object(self.shuffler),
            "sampler": None if self.sampler is None else keras.saving.serialize_keras_object(self.sampler),
        }
