"""Permutation language modelling."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import backbones, optimizers, schedules
from keras_ssl.augment.text import TokenMask, length_of, places_of
from keras_ssl.objectives.token_model import token_inputs
from keras_ssl.objectives.token_prediction import TokenPrediction


@keras.saving.register_keras_serializable("keras_ssl")
class PermutationLM(TokenPrediction):
    """Predicts the last pieces of a text in a random order from all pieces before them in that order, as XLNet does.

    Nothing is replaced by a mask token, as in `MaskedLM`, and pieces that are predicted help to predict those after
    them. Two streams make that possible: the content of a piece sees the piece itself; its query knows where it stands
    alone, and predicts it.

    The pieces before the last, special ones among them, come at one time and see one another, as in the paper's code.
    NOTE: in eq. 5 of the paper each of them sees only those before it.
    NOTE: by default the last pieces are drawn one by one. The paper draws spans of one to five pieces: see `sampler`.
    NOTE: there is no memory of earlier segments.

    Logs `accuracy` and `perplexity` of the pieces that are predicted.

    Args:
        backbone: `keras_hub.models.XLNetBackbone`, which becomes a `keras_ssl.backbones.TwoStreamXLNet`: same layers
            and weights, but right for batches.
        tokenizer, tokens: see `TokenModel`.
        pooling: see `TokenModel`; the mean unless given, for no token stands for the text in this objective.
        sampler: `keras_ssl.augment.text.TokenMask`, `WholeWordMask` or `SpanMask`: how the last pieces are chosen; a
            sixth of them, one by one, unless given.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the backbone is no XLNet.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> backbone = keras_hub.models.XLNetBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8
    ... )
    >>> table = augment.text.TokenTable(size=9, special_ids=(0,))
    >>> model = objectives.PermutationLM(backbone, tokens=table)
    >>> model.compile()
    >>> history = model.fit(np.array([[3, 4, 5, 8, 6, 7], [6, 7, 8, 4, 0, 0]]), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'perplexity']

    Reference: XLNet, arXiv 1906.08237, sections 2.2 and 2.3, and appendix A.
    """

    terms = ("permutation_lm",)

    def __init__(self, backbone, tokenizer=None, *, tokens=None, pooling="avg", sampler=None, **kwargs):
        if not isinstance(backbone, backbones.TwoStreamXLNet):
            backbone = backbones.TwoStreamXLNet(backbone)
        super().__init__(backbone, tokenizer, tokens=tokens, pooling=pooling, **kwargs)
        self.sampler = TokenMask(rate=1 / 6) if sampler is None else sampler
        self.bias = self.add_weight(shape=(backbone.vocabulary_size,), initializer="zeros", name="bias")

    def views(self, batch, rng, training):
        x = token_inputs(batch["x"])
        token_ids = ops.cast(x["token_ids"], "int32")
        length = length_of(token_ids)
        chosen, _ = self.sampler(token_ids, self.tokens, rng, x.get("word_ids"))
        order = tf.where(chosen, rng.permutation("order", length), -1)
        places, weights = places_of(chosen, self.sampler.most(length))
        # In a row where every piece is chosen the first one has nothing to be predicted from.
        earliest = tf.reduce_min(tf.where(token_ids == self.tokens.pad_id, length, order), axis=1, keepdims=True)
        weights = tf.where(tf.gather(order, places, batch_dims=1) > earliest, weights, 0)
        labels = tf.gather(token_ids, places, batch_dims=1)
        views = {"token_ids": token_ids, "order": order, "places": places, "labels": labels, "weights": weights}
        return views | ({"segment_ids": x["segment_ids"]} if "segment_ids" in x else {})

    def forward(self, views, training):
        inputs = self.inputs_of(views["token_ids"], views.get("segment_ids"))
        content, query = self.backbone.streams(inputs, views["order"], views["places"], training=training)
        embeddings = ops.cast(ops.convert_to_tensor(self.backbone.token_embedding.embeddings), query.dtype)
        logits = ops.cast(ops.matmul(query, ops.transpose(embeddings)), "float32") + self.bias
        z = self.pooled(content, views["token_ids"])
        return {"z": z, "logits": logits, "labels": views["labels"], "weights": views["weights"]}

    def default_optimizer(self):
        """XLNet's: AdamW at 4e-4 with weight decay .01, warm-up over .08 of the training, a straight line down."""
        rate = schedules.WarmupLinear(peak=4e-4, warmup_share=0.08)
        return optimizers.AdamWOnMatrices(rate, weight_decay=0.01, epsilon=1e-6, global_clipnorm=1.0)

    def get_config(self):
        return {**super().get_config(), "sampler": keras.saving.serialize_keras_object(self.sampler)}
