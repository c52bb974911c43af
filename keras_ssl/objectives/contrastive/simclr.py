"""SimCLR."""

import keras
from keras import ops

from keras_ssl import distribution, layers, losses, optimizers, schedules
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class SimCLR(JointEmbeddingModel):
    """Tells the other view of the same picture from all other pictures in the batch.

    Both views go through the encoder and a projection head in one pass; each of the 2N projections must find its
    partner among the 2N - 1 others, those of all replicas included (`losses.nt_xent`). It wants large batches (256 and
    more; the paper: 4,096), strong augmentation and long training. Small batches (128 to 512) and small pictures want
    `temperature` .2 to .5 and no blur.

    Logs `accuracy`, how often the partner is the nearest of all candidates.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers; None for `(features, 128)`.
        temperature: float above 0. The paper's default, .1, is for batches of 4,096; it takes .5 for CIFAR-10.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.simclr_views` as in the paper.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the temperature is not positive, or a batch has a single row, for then there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> model = objectives.SimCLR(backbones.small_image_resnet((8, 8, 3), widths=(4, 8)), temperature=0.5)
    >>> model.compile()
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> model.encoder.predict(pictures, verbose=0).shape
    (8, 8)

    Reference: arXiv 2002.05709. LARS with rate .3 * batch / 256, ten epochs of warm-up, cosine decay, weight decay
    1e-6 (section 2.2, appendix B.6).
    """

    terms = ("nt_xent",)
    diagnostics_names = ("accuracy",)
    minimum_batch = 2

    def __init__(self, encoder, projection_widths=None, temperature=0.1, augment=None, **kwargs):
        super().__init__(encoder, augment=augment, **kwargs)
        if not temperature > 0:
            raise ValueError(f"`temperature` must be positive. Received: temperature={temperature}")
        self.projection_widths = tuple(projection_widths or (self.feature_dim, 128))
        self.temperature = temperature
        self.projector = layers.ProjectionHead(self.feature_dim, self.projection_widths, normalize_output=True)
        self.z_dim = self.projector.output_dim

    def forward(self, views, training):
        z = self.projector(self.encode_together(views, training), training=training)
        z0, z1 = ops.split(ops.cast(z, "float32"), 2, axis=0)
        candidates = distribution.gather(z0), distribution.gather(z1)
        offset = distribution.first_row(z0)
        logits, partners = losses.nt_xent_logits(z0, z1, self.temperature, candidates=candidates, offset=offset)
        return {"z": z, "logits": logits, "partners": partners}

    def objective(self, outputs):
        return {"nt_xent": losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])}

    def diagnostics(self, outputs):
        found = ops.equal(ops.cast(ops.argmax(outputs["logits"], axis=1), "int32"), outputs["partners"])
        return {"accuracy": ops.mean(ops.cast(found, "float32"))}

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6)

    def get_config(self):
        return {
            **super().get_config(),
            "projection_widths": list(self.projection_widths),
            "temperature": self.temperature,
        }
