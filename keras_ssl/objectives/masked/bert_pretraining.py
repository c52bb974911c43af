"""BERT's two tasks at once."""

import keras
import numpy as np
from keras import ops

from keras_ssl import losses
from keras_ssl.objectives.masked.masked_lm import MaskedLM
from keras_ssl.objectives.token_model import token_inputs


@keras.saving.register_keras_serializable("keras_ssl")
class BERTPretraining(MaskedLM):
    """Predicts hidden pieces, and whether the second of two segments follows the first, as BERT is trained.

    Each row is a pair of segments; in half of the rows the second one is from another document. One pass of the
    backbone serves both tasks: `MaskedLM` on the outputs at the hidden places, and a linear layer on BERT's
    `pooled_output` for the pair. NOTE: RoBERTa (arXiv 1907.11692) found that `MaskedLM` alone does as well or better.

    `x` is a dict with `token_ids` and `segment_ids`, int32 of shape `(rows, length)`, and `is_random`, int32 of shape
    `(rows,)`, 1 where the second segment is of another document, as a `keras_ssl.data.SegmentPairs` makes them.

    Logs `accuracy` and `perplexity` of the hidden pieces, and `next_sentence_accuracy`.

    Args:
        backbone: text backbone of keras-hub with `segment_ids` and a `pooled_output`: `BertBackbone`.
        tokenizer, tokens, pooling: see `TokenModel`. The vocabulary must have a mask token.
        sampler, mask_share, random_share: see `MaskedLM`.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the backbone has no segments or no pooled output, or the vocabulary no mask token.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import objectives
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "saw"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=words)
    >>> backbone = keras_hub.models.BertBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> model = objectives.BERTPretraining(backbone, tokenizer)
    >>> pairs = {
    ...     "token_ids": np.array([[2, 5, 6, 3, 8, 5, 7, 3], [2, 5, 7, 3, 5, 6, 8, 3]]),
    ...     "segment_ids": np.array([[0, 0, 0, 0, 1, 1, 1, 1]] * 2),
    ...     "is_random": np.array([0, 1]),
    ... }
    >>> history = model.fit(pairs, batch_size=2, verbose=0)
    >>> sorted(history.history)  # doctest: +NORMALIZE_WHITESPACE
    ['accuracy', 'embedding_std', 'loss', 'masked_lm', 'next_sentence', 'next_sentence_accuracy', 'perplexity']

    Reference: BERT, arXiv 1810.04805, section 3.1 and appendix A.2.
    """

    terms = ("masked_lm", "next_sentence")
    diagnostics_names = ("accuracy", "perplexity", "next_sentence_accuracy")
    uses_pooled_output = True

    def __init__(self, backbone, tokenizer=None, **kwargs):
        outputs = getattr(backbone, "output", None)
        if not (isinstance(outputs, dict) and "pooled_output" in outputs and "segment_ids" in backbone.input):
            raise ValueError(
                "`backbone` must take `segment_ids` and give a `pooled_output`, as keras_hub.models.BertBackbone does; "
                f"RoBERTa and its like are trained by MaskedLM. Received: backbone={backbone!r}"
            )
        super().__init__(backbone, tokenizer, **kwargs)
        self.next_sentence_head = keras.layers.Dense(
            2,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=backbone.dtype_policy,
            name="next_sentence_head",
        )
        self.next_sentence_head.build((None, outputs["pooled_output"].shape[-1]))

    def views(self, batch, rng, training):
        return {**super().views(batch, rng, training), "is_random": ops.cast(batch["x"]["is_random"], "int32")}

    def forward(self, views, training):
        seen = self.backbone(self.inputs_of(views["token_ids"], views["segment_ids"]), training=training)
        sequence = seen["sequence_output"]
        return {
            "z": self.pooled(sequence, views["token_ids"]),
            "logits": self.head(sequence, mask_positions=views["places"]),
            "labels": views["labels"],
            "weights": views["weights"],
            "next_sentence_logits": self.next_sentence_head(seen["pooled_output"]),
            "is_random": views["is_random"],
        }

    def objective(self, outputs):
        next_sentence = losses.cross_entropy(outputs["is_random"], outputs["next_sentence_logits"])
        return {**super().objective(outputs), "next_sentence": next_sentence}

    def diagnostics(self, outputs):
        found = ops.cast(ops.argmax(outputs["next_sentence_logits"], axis=1), "int32")
        right = ops.cast(ops.equal(found, outputs["is_random"]), "float32")
        return {**super().diagnostics(outputs), "next_sentence_accuracy": ops.mean(right)}

    def check_x(self, x):
        x = token_inputs(x)
        if not {"segment_ids", "is_random"} <= set(x):
            raise ValueError(
                "`x` must have the keys 'segment_ids' and 'is_random' beside 'token_ids', as a "
                f"keras_ssl.data.SegmentPairs makes them from documents. Received: keys {sorted(x)}"
            )
        is_random = x["is_random"]
        super().check_x({name: value for name, value in x.items() if name != "is_random"})
        dtype = getattr(is_random.dtype, "name", str(is_random.dtype))
        if len(is_random.shape) != 1 or not dtype.startswith(("int", "uint", "bool")):
            raise ValueError(
                "`is_random` must be whole numbers of shape (rows,), 1 for a second segment of another document. "
                f"Received: shape {tuple(is_random.shape)}, dtype {dtype}"
            )
        if isinstance(is_random, np.ndarray) and not np.isin(is_random, (0, 1)).all():
            raise ValueError(f"`is_random` must be 0 or 1. Received: {int(is_random.min())} to {int(is_random.max())}")
