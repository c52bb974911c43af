"""Causal language modelling."""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_ssl import augment, optimizers, schedules
from keras_ssl.objectives.predictive.generation import generate
from keras_ssl.objectives.token_model import token_inputs
from keras_ssl.objectives.token_prediction import TokenPrediction


@keras.saving.register_keras_serializable("keras_ssl")
class CausalLM(TokenPrediction):
    """Predicts each piece of a text from those before it, as GPT is trained.

    The backbone's output at a place is compared with the embeddings of all pieces: the likeliest should be the next.

    Rows may be padded texts, or packed: documents one after the other, each with its end token, cut into rows without
    padding. Where the end token pads too, as GPT-2's, the end of a text is learned and what follows it is not.
    NOTE: in packed rows a piece sees the documents before its own, as in GPT-2's training: keras-hub's backbones take
    no mask of documents. The first piece of a row is not predicted, unless a start token stands before it.
    NOTE: a text that `data.tokenize` cuts to fit has its end token all the same, as keras-hub packs it, so an end is
    learned where there is none; packed rows cut nothing off.
    NOTE: unlike `keras_hub.models.CausalLM`, a task model for generation, this one is trained for its encoder, and for
    generation hands its backbone to that one.

    Logs `accuracy` and `perplexity` of the next piece.

    Args:
        backbone: decoder of keras-hub whose `token_embedding` is reversible, such as `GPT2Backbone`.
        tokenizer, tokens: see `TokenModel`.
        pooling: see `TokenModel`; the last token, which alone has seen all of a text, unless given.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the backbone's tokens see those behind them, or its token embedding is not reversible.

    Example:

    >>> import keras_hub, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> backbone = keras_hub.models.GPT2Backbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> table = augment.text.TokenTable(size=9, special_ids=(0,), pad_id=0, end_id=0)
    >>> model = objectives.CausalLM(backbone, tokens=table)
    >>> model.compile()
    >>> history = model.fit(np.array([[3, 4, 5, 0, 6, 7], [6, 7, 8, 0, 0, 0]]), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'perplexity']

    Reference: GPT, Radford et al. 2018, eq. 1 and section 4.1; GPT-2, Radford et al. 2019.
    """

    terms = ("causal_lm",)

    def __init__(self, backbone, tokenizer=None, *, tokens=None, pooling="last", **kwargs):
        super().__init__(backbone, tokenizer, tokens=tokens, pooling=pooling, **kwargs)
        reversible = isinstance(getattr(backbone, "token_embedding", None), keras.layers.ReversibleEmbedding)
        if not reversible or "token_ids" not in backbone.input:
            raise ValueError(
                "`backbone` must be a decoder alone, of keras-hub, with a reversible `token_embedding`. "
                f"Received: backbone={backbone!r}"
            )
        if not _is_causal(backbone):
            raise ValueError(
                "`backbone` must be a decoder, whose tokens see only those before them: this one would see what it is "
                f"to predict. Received: backbone={backbone!r}"
            )

    def padding_mask(self, token_ids):
        return augment.text.padding_mask(token_ids, self.tokens)

    def views(self, batch, rng, training):
        return {"token_ids": ops.cast(token_inputs(batch["x"])["token_ids"], "int32")}

    def forward(self, views, training):
        token_ids = views["token_ids"]
        sequence = self.sequence(token_ids, training=training)
        logits = self.backbone.token_embedding(sequence[:, :-1], reverse=True)
        weights = self.padding_mask(token_ids)[:, 1:]
        return {"z": self.pooled(sequence, token_ids), "logits": logits, "labels": token_ids[:, 1:], "weights": weights}

    def generate(self, prompts, max_length=None, sampler="top_k", seed=0):
        """Goes on from each prompt until the end token, by keras-hub's sampler and cache for this family.

        Each call traces the loop anew: give it all prompts at once.

        Args:
            prompts: list of str; an empty one begins a new text.
            max_length: int, pieces of prompt and continuation together; None for what the backbone knows.
            sampler: name of a `keras_hub.samplers` sampler, or one.
            seed: int, for samplers that are given by name.

        Returns:
            List of str: each prompt and what follows it.

        Raises:
            ValueError: If keras-hub has no generation for this backbone, or `max_length` leaves no room.
        """
        return generate(self, prompts, max_length, sampler, seed)

    def perplexity(self, texts, batch_size=64):
        """How unsure the model is of the next piece, on average over the pieces and ends of all texts.

        Formula:
            `exp(-sum_t log p(w_t | w_1 .. w_(t-1)) / pieces)`, `t` from 2 on unless a start token stands before `w_1`

        Args:
            texts: list of str; of those that are too long for the backbone the rest is left out, their ends too.
            batch_size: int, texts at a time.

        Returns:
            float, at least 1.

        Raises:
            ValueError: If there is nothing to predict.
        """
        token_ids = self._ids_with_true_ends(texts)
        batches = [token_ids[start : start + batch_size] for start in range(0, len(texts), batch_size)]
        pairs = [self.objective(self.forward({"token_ids": one}, training=False))["causal_lm"] for one in batches]
        total, weight = np.sum([[float(part) for part in pair] for pair in pairs], axis=0)
        if not weight:
            raise ValueError(f"`texts` must have a piece that follows another. Received: texts={texts!r}")
        return math.exp(total / weight)

    def _ids_with_true_ends(self, texts):
        """As `ids_of`, but a text that is cut has no end token: what follows its last piece is not its end."""
        start, end = ([] if one is None else [one] for one in (self.tokens.start_id, self.tokens.end_id))
        rows = [start + pieces + end for pieces in self.pieces_of(texts)]
        longest = min(max(1, *map(len, rows)), getattr(self.backbone, "max_sequence_length", None) or math.inf)
        return tf.ragged.constant(rows, dtype="int32").to_tensor(self.tokens.pad_id, shape=(None, longest))

    def default_optimizer(self):
        """GPT's: AdamW at 2.5e-4 with weight decay .01, warm-up, then half a cosine down, norm 1.

        NOTE: ten epochs warm up, at most a tenth of the training; GPT's warm-up takes 2,000 updates.
        """
        rate = schedules.WarmupCosine(peak=2.5e-4)
        return optimizers.AdamWOnMatrices(rate, weight_decay=0.01, global_clipnorm=1.0)


def _is_causal(backbone):
    """Whether the first output stays when the second token changes."""
    first, second = (_first_output(backbone, np.array([[0, other]], "int32")) for other in (0, 1))
    return np.allclose(first, second, rtol=0.0, atol=1e-6)


def _first_output(backbone, token_ids):
    others = {"padding_mask": np.ones_like(token_ids)}
    inputs = {name: others.get(name, np.zeros_like(token_ids)) for name in backbone.input}
    outputs = backbone({**inputs, "token_ids": token_ids}, training=False)
    outputs = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
    return ops.convert_to_numpy(ops.cast(outputs[:, 0], "float32"))
