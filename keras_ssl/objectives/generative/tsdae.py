"""TSDAE."""

import keras
from keras import ops

from keras_ssl import backbones, layers
from keras_ssl.augment.text import delete_words
from keras_ssl.objectives.sequence_to_sequence_model import SequenceToSequenceModel
from keras_ssl.objectives.token_model import token_inputs


@keras.saving.register_keras_serializable("keras_ssl")
class TSDAE(SequenceToSequenceModel):
    """Writes a whole text again from one vector of what is left of it.

    Of each text most words are deleted, anew each time it is seen; the encoder makes one vector of the rest, and the
    decoder writes the text from nothing but that vector, so all that it is to know has to be in it. As in the paper
    decoder and encoder share their weights (`backbones.VectorDecoder`); the decoder's outputs are named by BERT's head,
    whose last layer is the token embedding.

    It is meant for an encoder that knows the language: go on from a pretrained one, or from `MaskedLM`.

    Logs `accuracy` and `perplexity` of all pieces of the text.

    Args:
        backbone: encoder of keras-hub of BERT's kind, such as `BertBackbone` or `RobertaBackbone`.
        tokenizer, tokens: see `TokenModel`. The vocabulary must have a start token.
        rate: float in [0, 1], the probability with which each word is deleted.
        pooling: how one vector is made of a text, see `TokenModel`; the first token unless given, as in the paper.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the backbone is of another kind, the vocabulary has no start token, or `rate` is out of range.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import objectives
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "saw"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=words)
    >>> backbone = keras_hub.models.BertBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> model = objectives.TSDAE(backbone, tokenizer)
    >>> model.compile()
    >>> history = model.fit(model.ids_of(["a cat saw a dog", "a dog saw a cat"]).numpy(), batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'perplexity']
    >>> model.embed(["a cat", "a dog saw a cat"]).shape
    (2, 8)

    Reference: arXiv 2104.06979, sections 3 and 5.
    """

    terms = ("tsdae",)

    def __init__(self, backbone, tokenizer=None, *, tokens=None, rate=0.6, pooling="cls", **kwargs):
        super().__init__(backbone, tokenizer, tokens=tokens, pooling=pooling, **kwargs)
        if self.tokens.start_id is None:
            raise ValueError(
                f"`tokenizer` must have a start token, from which the decoder begins. Received: tokenizer={tokenizer}"
            )
        if not 0 <= rate <= 1:
            raise ValueError(f"`rate` must be in [0, 1]. Received: rate={rate}")
        self.rate = rate
        self.decoder = backbones.VectorDecoder(backbone)
        self.head = layers.masked_lm_head(backbone, self.feature_dim)

    @property
    def first_id(self):
        """The start token of every text."""
        return self.tokens.start_id

    def views(self, batch, rng, training):
        x = token_inputs(batch["x"])
        token_ids = ops.cast(x["token_ids"], "int32")
        left = delete_words(token_ids, self.tokens, rng, self.rate, x.get("word_ids"))
        return {"token_ids": left, "labels": token_ids[:, 1:]}

    def decode(self, token_ids, prefix, training=False):
        vector = self.pooled(self.sequence(token_ids, training=training), token_ids)
        hidden = self.decoder(prefix, vector, training=training)
        places = ops.zeros_like(prefix) + ops.arange(ops.shape(prefix)[1], dtype="int32")
        return vector, self.head(hidden, mask_positions=places)

    def default_optimizer(self):
        """The paper's: Adam at 3e-5, at all times, and norm 1; for batches of 8."""
        return keras.optimizers.Adam(3e-5, epsilon=1e-8, global_clipnorm=1.0)

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
