"""Span corruption."""

import keras
from keras import ops

from keras_ssl.augment.text import span_corruption
from keras_ssl.objectives.sequence_to_sequence_model import SequenceToSequenceModel, check_encoder_decoder
from keras_ssl.objectives.token_model import token_inputs


@keras.saving.register_keras_serializable("keras_ssl")
class SpanCorruption(SequenceToSequenceModel):
    """Writes the spans that were taken out of a text, as T5 is trained.

    Of each text some spans of pieces are taken out, anew each time it is seen, and a sentinel token of its own stands
    in the place of each; the decoder writes every sentinel with its span behind it (`augment.text.span_corruption`).

    It wants long rows, packed or of several sentences. Of texts with up to some 30 pieces it takes out one span, always
    the last one, unless `roll` is set.

    Logs `accuracy` and `perplexity` of what is written, sentinels and end included.

    Args:
        backbone: encoder-decoder of keras-hub, `T5Backbone` as a rule; not in float16. A new T5Backbone needs
            `keras_ssl.backbones.redraw_equal_embeddings` first.
        tokenizer, tokens: see `TokenModel`. The vocabulary must have an end token.
        sentinel_ids: ints in [0, vocabulary of the backbone), in the order in which spans get them. None for the
            tokenizer's `<extra_id_0>`, `<extra_id_1>`, ..., or else, as T5 has them, for the up to 100 ids of the
            backbone behind the tokenizer's, the last one first: 32,099 to 32,000.
        rate: float in (0, 1), the share of the pieces that are taken out.
        mean_span: float, at least 1, pieces of a span on average.
        roll: bool, whether every piece is as likely to be taken out; see `augment.text.span_corruption`.
        pooling: see `TokenModel`; the mean over the encoder's tokens unless given, for T5 has no class token.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the backbone has no decoder or is a T5Backbone in float16, there are no sentinels, or the
            vocabulary has no end token.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import augment, backbones, objectives
    >>> backbone = keras_hub.models.T5Backbone(
    ...     vocabulary_size=24, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8
    ... )
    >>> backbone = backbones.redraw_equal_embeddings(backbone)  # a new one, not a preset
    >>> table = augment.text.TokenTable(size=20, special_ids=(0, 1, 2), end_id=1)
    >>> model = objectives.SpanCorruption(backbone, tokens=table)
    >>> model.sentinel_ids
    (23, 22, 21, 20)
    >>> model.compile()
    >>> history = model.fit(np.array([[5, 6, 7, 8, 9, 1], [9, 8, 7, 6, 1, 0]]), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'perplexity']

    Reference: T5, arXiv 1910.10683, section 3.1.4; the mean as vector of a text, arXiv 2108.08877.
    """

    terms = ("span_corruption",)

    def __init__(
        self,
        backbone,
        tokenizer=None,
        *,
        tokens=None,
        sentinel_ids=None,
        rate=0.15,
        mean_span=3.0,
        roll=False,
        pooling="avg",
        **kwargs,
    ):
        check_encoder_decoder(backbone)
        super().__init__(backbone, tokenizer, tokens=tokens, pooling=pooling, **kwargs)
        if self.tokens.end_id is None:
            raise ValueError(
                f"`tokenizer` must have an end token, which ends what is written. Received: tokenizer={tokenizer}"
            )
        found = _sentinels(backbone, tokenizer, self.tokens) if sentinel_ids is None else sentinel_ids
        self.sentinel_ids = tuple(int(one) for one in found)
        known = all(0 <= one < backbone.vocabulary_size for one in self.sentinel_ids)
        if len(self.sentinel_ids) <= roll or not known or len(set(self.sentinel_ids)) < len(self.sentinel_ids):
            raise ValueError(
                f"`sentinel_ids` must name more than {int(roll)} ids in [0, {backbone.vocabulary_size}), each once; by "
                "default they are '<extra_id_0>', ... of the tokenizer, or ids that the backbone has beyond it. "
                f"Received: sentinel_ids={sentinel_ids}"
            )
        self.rate = rate
        self.mean_span = mean_span
        self.roll = roll

    @property
    def first_id(self):
        """The padding token, as T5's decoder begins."""
        return self.tokens.pad_id

    def views(self, batch, rng, training):
        token_ids = ops.cast(token_inputs(batch["x"])["token_ids"], "int32")
        left, target = span_corruption(
            token_ids, self.tokens, rng, self.sentinel_ids, self.rate, self.mean_span, self.roll
        )
        return {"token_ids": left, "labels": target}

    def default_optimizer(self):
        """T5's: Adafactor at `1 / sqrt(max(step, 10**4))`, which is Keras's relative step with a bound of .01."""
        return keras.optimizers.Adafactor(0.01)

    def get_config(self):
        return {
            **super().get_config(),
            "sentinel_ids": list(self.sentinel_ids),
            "rate": self.rate,
            "mean_span": self.mean_span,
            "roll": self.roll,
        }


_MOST_SENTINELS = 100


def _sentinels(backbone, tokenizer, tokens):
    """Those of the tokenizer, or, as T5's vocabulary has them, the ids behind its own, from the last to the first."""
    pieces = {} if tokenizer is None else {tokenizer.id_to_token(one): one for one in range(tokens.size)}
    named = [pieces.get(f"<extra_id_{number}>") for number in range(_MOST_SENTINELS)]
    if named[0] is not None:
        return [one for one in named if one is not None]
    return range(min(tokens.size + _MOST_SENTINELS, backbone.vocabulary_size) - 1, tokens.size - 1, -1)
