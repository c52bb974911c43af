"""The small networks between an encoder and a loss; thrown away after pretraining."""

import keras


@keras.saving.register_keras_serializable("keras_ssl")
class MultiLayerPerceptron(keras.layers.Layer):
    """Dense layers with batch normalisation and an activation between them, built at once.

    Args:
        input_dim: int, features that come in.
        widths: tuple of ints, width of each dense layer; the last is the output.
        normalize_output: bool, whether the last layer is batch-normalised too (and then has no bias).
        synchronized: bool, whether batch statistics are those of the global batch, as in the papers.
        batch_normalization: bool, whether there is batch normalisation between the layers.
        activation: name of the activation between the layers.
        scale_output: bool, whether the output's normalisation has a scale.
        center_output: bool, whether it has a shift. Without both it is `affine=False` in PyTorch.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Call arguments:
        inputs: Tensor of shape `(batch, input_dim)`.
        training: bool.

    Returns:
        Tensor of shape `(batch, widths[-1])` in the compute dtype.
    """

    def __init__(
        self,
        input_dim,
        widths,
        normalize_output=False,
        synchronized=True,
        batch_normalization=True,
        activation="relu",
        scale_output=True,
        center_output=True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        widths = tuple(int(width) for width in widths)
        if not widths or min(widths) < 1:
            raise ValueError(f"`widths` must name at least one positive width. Received: widths={widths}")
        self.input_dim = int(input_dim)
        self.widths = widths
        self.normalize_output = normalize_output
        self.synchronized = synchronized
        self.batch_normalization = batch_normalization
        self.activation = activation
        self.scale_output = scale_output
        self.center_output = center_output

        self.stack = keras.Sequential([keras.Input((self.input_dim,))], name="stack")
        for depth, width in enumerate(widths):
            last = depth == len(widths) - 1
            normalized = normalize_output if last else batch_normalization
            self.stack.add(keras.layers.Dense(width, use_bias=not normalized, dtype=self.dtype_policy))
            if normalized:
                # The papers' momentum and epsilon: Keras's own defaults are .99 and 1e-3.
                self.stack.add(
                    keras.layers.BatchNormalization(
                        momentum=0.9,
                        epsilon=1e-5,
                        center=center_output or not last,
                        scale=scale_output or not last,
                        synchronized=synchronized,
                        dtype=self.dtype_policy,
                    )
                )
            if not last:
                self.stack.add(keras.layers.Activation(activation, dtype=self.dtype_policy))
        self.built = True

    @property
    def output_dim(self):
        """Width of the output: int."""
        return self.widths[-1]

    def call(self, inputs, training=False):
        return self.stack(inputs, training=training)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.output_dim)

    def get_config(self):
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "widths": list(self.widths),
            "normalize_output": self.normalize_output,
            "synchronized": self.synchronized,
            "batch_normalization": self.batch_normalization,
            "activation": self.activation,
            "scale_output": self.scale_output,
            "center_output": self.center_output,
        }


@keras.saving.register_keras_serializable("keras_ssl")
class ProjectionHead(MultiLayerPerceptron):
    """Maps features to the space in which a loss compares views.

    Its arguments are those of `MultiLayerPerceptron`. SimCLR: `widths=(features, 128)`, `normalize_output=True`; BYOL:
    `widths=(4096, 256)`.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import layers
    >>> head = layers.ProjectionHead(input_dim=8, widths=(16, 4))
    >>> tuple(head(np.ones((2, 8), "float32")).shape)
    (2, 4)
    """


@keras.saving.register_keras_serializable("keras_ssl")
class PredictionHead(MultiLayerPerceptron):
    """Maps one view's projection to a guess of another's, or features to classes of a pretext task.

    Its arguments are those of `MultiLayerPerceptron`. BYOL: `widths=(4096, 256)`; a linear classifier:
    `widths=(classes,)`.
    """
