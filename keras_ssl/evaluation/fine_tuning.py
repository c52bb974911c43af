"""How a text encoder is fine-tuned."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import losses, optimizers, schedules
from keras_ssl.evaluation.text_features import fixed_length, inputs_of


@dataclasses.dataclass(frozen=True)
class FineTuning:
    """Settings of fine-tuning: AdamW with linear warm-up and decay, as BERT is fine-tuned.

    Args:
        epochs: int, passes over the train rows.
        batch_size: int.
        learning_rate: float, at the end of the warm-up.
        warmup_share: float in [0, 1), share of the steps that warm up.
        weight_decay: float, on matrices alone.
        dropout: float in [0, 1), before the new output layer.

    Example:

    >>> from keras_ssl import evaluation
    >>> evaluation.FineTuning(epochs=4).learning_rate
    5e-05

    Reference: BERT, arXiv 1810.04805, appendix A.3: batches of 16 or 32, rates of 2e-5 to 5e-5, 2 to 4 epochs.
    """

    epochs: int = 3
    batch_size: int = 16
    learning_rate: float = 5e-5
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    dropout: float = 0.1

    def __post_init__(self):
        for name in ("epochs", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be 1 or more. Received: {name}={getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` must be above 0. Received: learning_rate={self.learning_rate}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={self.dropout}")

    def head(self, inputs, features, outputs):
        """The model with dropout and a new output layer: logits of `outputs` classes, float32."""
        if outputs < 2:
            raise ValueError(f"`train` must hold two classes or more. Received: classes={outputs}")
        hidden = keras.layers.Dropout(self.dropout)(features)
        return keras.Model(inputs, keras.layers.Dense(outputs, dtype="float32", name="logits")(hidden))

    def fit(self, model, token_ids, labels, table, seed):
        """Trains all weights.

        Args:
            model: from `head`.
            token_ids: int32 RaggedTensor of shape `(rows, None)`, packed.
            labels: int32 Tensor of shape `(rows,)`, or RaggedTensor of the shape of `token_ids`, -1 for none.
            table: `TokenTable`.
            seed: int, of the order of the rows.

        Raises:
            ValueError: If the weights diverge.
        """
        rows = int(token_ids.nrows())
        batches = tf.data.Dataset.from_tensor_slices((token_ids, labels)).shuffle(rows, seed=seed)
        shape = None, fixed_length(model)

        def dense(ids, labels):
            if isinstance(labels, tf.RaggedTensor):
                labels = labels.to_tensor(-1, shape=shape)
            return inputs_of(model, ids.to_tensor(table.pad_id, shape=shape), table), labels

        batches = batches.batch(self.batch_size).map(dense)
        _freeze_unused(model, *next(iter(batches)))
        steps = -(-rows // self.batch_size) * self.epochs
        rate = schedules.WarmupLinear(self.learning_rate, self.warmup_share, total_steps=steps)
        optimizer = optimizers.AdamWOnMatrices(rate, weight_decay=self.weight_decay, global_clipnorm=1.0)
        # Without XLA, which would compile the step for each length anew.
        model.compile(optimizer, _mean_cross_entropy, jit_compile=False)
        history = model.fit(batches, epochs=self.epochs, shuffle=False, verbose=0)
        if not np.isfinite(history.history["loss"]).all():
            raise ValueError(
                f"`learning_rate` must be smaller: the weights diverged. Received: learning_rate={self.learning_rate}"
            )


def copy_of(encoder):
    """The same architecture with the same weights: what is trained is never the encoder that was handed over."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    return copy


def fresh_inputs(model):
    """Inputs of the shapes and names of a model's."""
    return keras.tree.map_structure(lambda one: keras.Input(one.shape[1:], dtype=one.dtype, name=one.name), model.input)


def _mean_cross_entropy(labels, logits):
    total, weight = losses.token_cross_entropy(labels, logits, labels >= 0)
    return total / keras.ops.maximum(weight, 1.0)


def _freeze_unused(model, inputs, labels):
    """Turns off weights that do not reach the output, BERT's pooler for instance; Keras would warn of each."""
    with tf.GradientTape() as tape:
        loss = _mean_cross_entropy(labels, model(inputs))
    weights = model.trainable_weights
    for weight, gradient in zip(weights, tape.gradient(loss, [one.value for one in weights]), strict=True):
        if gradient is None:
            weight.trainable = False
