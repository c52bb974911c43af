"""SimCSE."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import distribution, losses, metrics, schedules
from keras_ssl.objectives.checks import check_positive
from keras_ssl.objectives.token_model import TokenModel, token_inputs


@keras.saving.register_keras_serializable("keras_ssl")
class SimCSE(TokenModel):
    """Tells the other vector of the same text, or of its given partner, from those of all other texts in the batch.

    Without pairs each text is encoded twice, and the two vectors differ by the masks of dropout alone. With given pairs
    (question and answer, say, or a sentence and what follows from it) the second is the partner's; a third, given view
    is a hard negative: a text that looks like the partner and is none. Each first vector must find its second among
    those of all replicas, and among all hard negatives (`losses.info_nce`, one way).

    NOTE: copies of a text in a batch are no negatives, as they are in the paper's code: a candidate that is the same
    text as one of the pair, or whose own first text is, is left out.

    It is made for a backbone that knows the language already, and for few steps. Larger batches than fit into memory:
    `compile(gradient_cache_size=...)`.

    Logs `accuracy`, how often the second is the nearest of all candidates, and `alignment`, the mean squared distance
    within pairs. Where dropout makes the pairs it is on in `evaluate` too, for else a vector would be compared with
    itself; what is seen there repeats exactly all the same.

    Args:
        backbone: text backbone of keras-hub, with dropout unless pairs are given.
        tokenizer, tokens: see `TokenModel`.
        pooling: see `TokenModel`. With `"cls"`, the paper's, a dense layer with tanh stands behind the encoder while it
            trains; the encoder to leave with is without. With others there is none, as in the paper's code. NOTE: where
            pairs are given the paper keeps that layer; here it is left off then, too.
        temperature: float above 0.
        augment: function `(x, rng) -> views`, two or three dicts like the dict `x`; or None for dropout alone.
        **kwargs: `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the temperature is not positive; if there are neither pairs nor dropout; if a batch has a single
            row.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import objectives
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "saw"]
    >>> tokenizer = keras_hub.models.BertTokenizer(vocabulary=words)
    >>> backbone = keras_hub.models.BertBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> model = objectives.SimCSE(backbone, tokenizer)
    >>> model.compile(gradient_cache_size=1)
    >>> texts = model.ids_of(["a cat saw a dog", "a dog saw a cat"]).numpy()
    >>> history = model.fit(texts, batch_size=2, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'alignment', 'embedding_std', 'loss']
    >>> answers = model.ids_of(["a dog", "a cat"]).numpy()
    >>> history = model.fit({"views": (texts, answers)}, batch_size=2, verbose=0)

    Reference: arXiv 2104.08821, eq. 1, 4 and 5, and its code. AdamW with a straight line down from 3e-5, no weight
    decay, gradients cut to norm 1; batches of 64 for one epoch (512 and 5e-5, three epochs, with pairs).
    """

    takes_views = True
    terms = ("info_nce",)
    diagnostics_names = ("accuracy", "alignment")
    minimum_batch = 2

    def __init__(self, backbone, tokenizer=None, *, tokens=None, temperature=0.05, augment=None, **kwargs):
        super().__init__(backbone, tokenizer, tokens=tokens, **kwargs)
        check_positive(temperature=temperature)
        if augment is not None and not callable(augment):
            raise ValueError(f"`augment` must be a function of (x, rng). Received: augment={augment!r}")
        self.temperature = temperature
        self.augment = augment
        self.head = None
        if self.pooling == "cls":
            normal = keras.initializers.RandomNormal(stddev=0.02)
            self.head = keras.layers.Dense(
                self.feature_dim, activation="tanh", kernel_initializer=normal, dtype=self.dtype_policy, name="head"
            )
            self.head.build((None, self.feature_dim))

    def views(self, batch, rng, training):
        """One dict for texts that are their own partners, else two or three."""
        if "views" not in batch and self.augment is None:
            # Dropout that draws has a generator.
            if not any(distribution.is_seed_state(variable) for variable in self.backbone.variables):
                raise ValueError(
                    "`x` must come as pairs, a tuple with the key 'views', or the backbone must have dropout, by which "
                    "the two vectors of a text differ. Received: a backbone without dropout"
                )
            return (token_inputs(batch["x"]),)
        views = batch["views"] if "views" in batch else self.augment(token_inputs(batch["x"]), rng)
        if len(views) not in (2, 3):
            raise ValueError(
                f"`views` must be a pair, or a pair and a hard negative, for {type(self).__name__}. "
                f"Received: {len(views)} views"
            )
        return tuple(token_inputs(view) for view in views)

    def forward(self, views, training):
        if len(views) == 1:
            views, training = views * 2, True
        z0, z1, *hard = (self.project(view, training) for view in views)
        logits, partners = losses.info_nce_logits(
            z0,
            z1,
            temperature=self.temperature,
            candidates=ops.concatenate([distribution.gather(z) for z in (z1, *hard)]),
            offset=distribution.first_row(z0),
            excluded=_same_texts([_fingerprints(view["token_ids"], self.tokens.pad_id) for view in views]),
        )
        return {"z": ops.concatenate([z0, z1]), "logits": logits, "partners": partners}

    def project(self, view, training):
        """Vectors of texts behind the head: float32 of shape `(rows, features)`."""
        features = self.encode(self.inputs_of(view["token_ids"], view.get("segment_ids")), training)
        return ops.cast(features if self.head is None else self.head(features), "float32")

    def objective(self, outputs):
        return {"info_nce": losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])}

    def diagnostics(self, outputs):
        return {
            "accuracy": metrics.positive_accuracy(outputs["logits"], outputs["partners"]),
            "alignment": metrics.alignment(*ops.split(outputs["z"], 2)),
        }

    def default_optimizer(self):
        rate = schedules.WarmupLinear(peak=3e-5, warmup_share=0.0)
        return keras.optimizers.AdamW(rate, weight_decay=0.0, epsilon=1e-8, global_clipnorm=1.0)

    def get_config(self):
        augment = keras.saving.serialize_keras_object(self.augment)
        return {**super().get_config(), "temperature": self.temperature, "augment": augment}


def _same_texts(texts):
    """Which candidates are no negatives: bool of shape `(rows, candidates)`.

    Args:
        texts: list of the numbers of each view's texts, int64 Tensors of shape `(rows,)`.
    """
    first, second, *_ = (text[:, None] for text in texts)
    anchors, *candidates = (distribution.gather(text)[None, :] for text in texts)
    same = [tf.logical_or(tf.equal(each, first), tf.equal(each, second)) for each in candidates]
    same[0] = tf.logical_or(same[0], tf.equal(anchors, first))
    return tf.concat(same, axis=1)


def _fingerprints(token_ids, pad_id):
    """A number for each row, equal for equal rows however far they are padded: int64 of shape `(rows,)`.

    Comparing all pairs of rows place by place would take the memory that a gradient cache saves, and numbers are soon
    gathered. Two rows that differ have the same one with a chance of some 2 ** -64.
    """
    ids = tf.cast(token_ids, "int64")
    factors = tf.random.stateless_uniform([tf.shape(ids)[1]], (0, 1), None, None, "int64", alg="philox")
    real = tf.not_equal(ids, pad_id)
    return tf.reduce_sum(tf.where(real, (ids + 1) * tf.bitwise.bitwise_or(factors, 1), 0), axis=1)
