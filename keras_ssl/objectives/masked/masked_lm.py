"""Masked language modelling."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import layers
from keras_ssl.augment.text import TokenMask, corrupt, length_of, places_of
from keras_ssl.objectives.masked import hidden_places
from keras_ssl.objectives.token_model import token_inputs
from keras_ssl.objectives.token_prediction import TokenPrediction


@keras.saving.register_keras_serializable("keras_ssl")
class MaskedLM(TokenPrediction):
    """Predicts hidden pieces of a text from all pieces around them, as BERT and RoBERTa are trained.

    Of each text some pieces are chosen, anew each time it is seen; most become the mask token, some a random token,
    and some stay (`augment.text.corrupt`). A head on the backbone's output at these places predicts what stood
    there; its last layer is the backbone's own token embedding. NOTE: unlike `keras_hub.models.MaskedLM`, a task model
    that takes masked texts from its preprocessor, this one hides pieces itself and is trained for its encoder.

    It wants many texts and many steps; the batch may be small. Where texts are few go on from a pretrained backbone.

    Logs `accuracy` and `perplexity` of the hidden pieces.

    Args:
        backbone: text backbone of keras-hub with a `token_embedding`, such as `BertBackbone` or `RobertaBackbone`.
        tokenizer, tokens, pooling: see `TokenModel`. The vocabulary must have a mask token.
        sampler: `keras_ssl.augment.text.TokenMask`, `WholeWordMask` or `SpanMask`: how pieces are chosen.
        mask_share: float in [0, 1], share of the chosen pieces that become the mask token.
        random_share: float in [0, 1], share of them that become a random token.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the vocabulary has no mask token.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import objectives
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "saw"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=words)
    >>> backbone = keras_hub.models.BertBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> model = objectives.MaskedLM(backbone, tokenizer)
    >>> model.compile()
    >>> history = model.fit(model.ids_of(["a cat saw a dog", "a dog saw a cat"]).numpy(), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'perplexity']
    >>> [len(found) for found in model.fill_mask(["a cat [MASK] a dog"], top_k=2)[0]]
    [2]
    >>> model.embed(["a cat", "a dog saw a cat"]).shape
    (2, 8)

    Reference: BERT, arXiv 1810.04805, section 3.1; RoBERTa, arXiv 1907.11692; spans, arXiv 1907.10529.
    """

    terms = ("masked_lm",)

    def __init__(
        self, backbone, tokenizer=None, *, tokens=None, sampler=None, mask_share=0.8, random_share=0.1, **kwargs
    ):
        super().__init__(backbone, tokenizer, tokens=tokens, **kwargs)
        if self.tokens.mask_id is None:
            raise ValueError(
                f"`tokenizer` must have a mask token, which {type(self).__name__} hides pieces by. "
                f"Received: tokenizer={tokenizer}, without one"
            )
        self.sampler = TokenMask() if sampler is None else sampler
        self.mask_share = mask_share
        self.random_share = random_share
        self.head = layers.masked_lm_head(backbone, self.feature_dim)

    def views(self, batch, rng, training):
        x = token_inputs(batch["x"])
        token_ids = ops.cast(x["token_ids"], "int32")
        chosen, group = self.sampler(token_ids, self.tokens, rng, x.get("word_ids"))
        hidden = corrupt(token_ids, chosen, group, self.tokens, rng, self.mask_share, self.random_share)
        places, weights = places_of(chosen, self.sampler.most(length_of(token_ids)))
        labels = tf.gather(token_ids, places, batch_dims=1)
        views = {"token_ids": hidden, "places": places, "labels": labels, "weights": weights}
        return views | ({"segment_ids": x["segment_ids"]} if "segment_ids" in x else {})

    def forward(self, views, training):
        sequence = self.sequence(views["token_ids"], views.get("segment_ids"), training)
        logits = self.head(sequence, mask_positions=views["places"])
        z = self.pooled(sequence, views["token_ids"])
        return {"z": z, "logits": logits, "labels": views["labels"], "weights": views["weights"]}

    def fill_mask(self, texts, top_k=5):
        """The likeliest pieces at each mask of each text.

        Args:
            texts: list of str with one or more of the tokenizer's mask tokens in each, `"[MASK]"` for BERT.
            top_k: int, how many for each mask.

        Returns:
            For each text a list with an entry for each of its masks: a list of `top_k` pairs of piece and probability,
            the likeliest first.

        Raises:
            ValueError: If a text has no mask, or is too long for the backbone, or `top_k` is below 1.
        """
        return hidden_places.fill_mask(self, texts, top_k)

    def pseudo_perplexity(self, texts, batch_size=64):
        """How unsure the model is of a piece that it does not see, on average over all pieces of the texts.

        Each piece is hidden alone, so a text of n pieces takes n rows.

        Formula:
            `exp(-sum_t log p(w_t | all others) / pieces)`

        Args:
            texts: list of str; of those that are too long for the backbone the rest is left out.
            batch_size: int, rows at a time.

        Returns:
            float, at least 1.

        Reference: arXiv 1910.14659, eq. 2 and section 2.3.
        """
        return hidden_places.pseudo_perplexity(self, texts, batch_size)

    def get_config(self):
        return {
            **super().get_config(),
            "sampler": keras.saving.serialize_keras_object(self.sampler),
            "mask_share": self.mask_share,
            "random_share": self.random_share,
        }
