"""What objectives that write one text from another have in common."""

import warnings

from keras import ops

from keras_ssl import backbones
from keras_ssl.objectives.token_prediction import TokenPrediction


class SequenceToSequenceModel(TokenPrediction):
    """An objective in which an encoder reads one text and a decoder writes another, piece by piece.

    A subclass names its one term, makes in `views` what is read, `token_ids`, and what is to be written, `labels`, both
    padded, and tells by `first_id` what the decoder begins with. The decoder sees the labels moved on by one place,
    behind `first_id`; padding has no weight.

    On keras-hub's encoder-decoders, such as `T5Backbone` and `BartBackbone`, `decode` is there; other backbones need
    one of their own.
    """

    @property
    def first_id(self):
        """The id in front of what the decoder writes: int."""
        raise NotImplementedError(f"{type(self).__name__} must implement `first_id`.")

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        if backbones.has_equal_embeddings(self.backbone):
            warnings.warn(
                "The token embeddings of `backbone` are nearly the same for every piece, as keras-hub draws them for a "
                "new T5Backbone, and little can be learned from there. Draw them anew before: "
                "`keras_ssl.backbones.redraw_equal_embeddings(backbone)`",
                stacklevel=2,
            )

    def decode(self, token_ids, prefix, training=False):
        """Reads one text, and goes on from each place of another.

        Args:
            token_ids: int32 Tensor of shape `(rows, length)`, what the encoder reads, padded.
            prefix: int32 Tensor of shape `(rows, written)`, `first_id` and what is written so far.
            training: bool.

        Returns:
            Pair of the encoder's vectors, of shape `(rows, features)`, and logits `(rows, written, vocabulary)` of what
            follows each place of `prefix`, which depend on the places up to this one alone.
        """
        written = self.padding_mask(prefix[:, 1:])  # `first_id` is no padding, even where it is T5's padding token
        inputs = {f"encoder_{name}": one for name, one in self.inputs_of(token_ids).items()}
        inputs["decoder_token_ids"] = prefix
        inputs["decoder_padding_mask"] = ops.concatenate([ops.ones_like(prefix[:, :1]), written], axis=1)
        outputs = self.backbone(inputs, training=training)
        hidden = outputs["decoder_sequence_output"]
        if getattr(self.backbone, "tie_embedding_weights", False):
            hidden *= self.backbone.hidden_dim**-0.5  # as T5 does where its embedding is its last layer, too
        logits = self.backbone.token_embedding(hidden, reverse=True)
        return self.pooled(outputs["encoder_sequence_output"], token_ids), logits

    def forward(self, views, training):
        labels = views["labels"]
        first = ops.full_like(labels[:, :1], self.first_id)
        prefix = ops.concatenate([first, labels[:, :-1]], axis=1)
        z, logits = self.decode(views["token_ids"], prefix, training)
        return {"z": z, "logits": logits, "labels": labels, "weights": self.padding_mask(labels)}


def check_encoder_decoder(backbone):
    """Refuses a backbone without a decoder, and T5's where it would compute in float16."""
    from keras_hub.models import T5Backbone

    if not backbones.is_encoder_decoder(backbone):
        raise ValueError(
            "`backbone` must be an encoder-decoder of keras-hub, such as T5Backbone or BartBackbone. "
            f"Received: backbone={backbone!r}"
        )
    if isinstance(backbone, T5Backbone) and backbone.dtype_policy.compute_dtype == "float16":
        raise ValueError(
            "`backbone` must not compute in float16, which the masks of keras-hub's T5Backbone overflow: give it "
            f"`dtype='mixed_bfloat16'` or 'float32'. Received: a T5Backbone of {backbone.dtype_policy.name!r}"
        )
