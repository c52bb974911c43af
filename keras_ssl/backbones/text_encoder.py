"""The encoder half of a text backbone."""

import json

import keras


def text_encoder(backbone):
    """The part of a text backbone that reads: of an encoder-decoder its encoder, of any other the backbone itself.

    keras-hub's `T5Backbone` and `BartBackbone` take texts for encoder and decoder at once. What they learn about texts
    is used without the decoder; this model shares their layers and weights and gives their numbers.

    Args:
        backbone: text backbone of keras-hub.

    Returns:
        For an encoder-decoder a functional model from `token_ids` and `padding_mask`, int32 of shape `(batch, length)`,
        to `(batch, length, hidden)`, of which saving and export leave out the decoder. Else `backbone`.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import backbones
    >>> backbone = keras_hub.models.BartBackbone(
    ...     vocabulary_size=9, num_layers=1, num_heads=1, hidden_dim=8, intermediate_dim=8, max_sequence_length=8
    ... )
    >>> backbones.text_encoder(backbone).output_shape
    (None, None, 8)
    """
    return EncoderHalf(backbone) if is_encoder_decoder(backbone) else backbone


@keras.saving.register_keras_serializable("keras_ssl")
class EncoderHalf(keras.Model):
    """The encoder of an encoder-decoder of keras-hub, see `text_encoder`.

    What is saved of it is the backbone's configuration, for not all of its layers have one of their own, and the
    encoder's weights.

    Args:
        backbone: `T5Backbone`, `BartBackbone` or another that takes two texts.
        **kwargs: `name`, `trainable` of `keras.Model`.

    Attributes:
        vocabulary_size: int, the backbone's.
        max_sequence_length: int, the backbone's, or None.
    """

    def __init__(self, backbone, **kwargs):
        names = ("token_ids", "padding_mask")
        theirs = {f"encoder_{name}": backbone.input[f"encoder_{name}"] for name in names}
        half = keras.Model(theirs, backbone.output["encoder_sequence_output"])
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in names}
        # `call` on symbolic inputs runs through the layers, so that they are not nested once more.
        outputs = half.call({f"encoder_{name}": tensor for name, tensor in inputs.items()})
        super().__init__(inputs=inputs, outputs=outputs, **{"name": f"{backbone.name}_encoder", **kwargs})
        # As a backbone tells them; T5's positions have no end.
        self.vocabulary_size = backbone.vocabulary_size
        self.max_sequence_length = getattr(backbone, "max_sequence_length", None)
        self._backbone = json.dumps(keras.saving.serialize_keras_object(backbone))

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, "backbone": json.loads(self._backbone)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the model from `get_config`."""
        backbone = keras.saving.deserialize_keras_object(config["backbone"], custom_objects=custom_objects)
        return cls(**{**config, "backbone": backbone})


def is_encoder_decoder(backbone):
    """Whether a backbone takes a text for its encoder and one for its decoder: bool."""
    inputs = getattr(backbone, "input", None)
    return isinstance(inputs, dict) and "decoder_token_ids" in inputs
