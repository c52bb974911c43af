"""SimCLR."""

import keras
from keras import ops

from keras_ssl import distribution, losses, metrics, optimizers, schedules
from keras_ssl.objectives.checks import check_positive
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
    projection_options = {"normalize_output": True, "center_output": False}

    def __init__(self, encoder, projection_widths=None, temperature=0.1, augment=None, **kwargs):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        check_positive(temperature=temperature)
        self.temperature = temperature

    def forward(self, views, training):
        z0, z1 = (ops.cast(z, "float32") for z in self.project(views, training))
        candidates = distribution.gather(z0), distribution.gather(z1)
        offset = distribution.first_row(z0)
        logits, partners = losses.nt_xent_logits(z0, z1, self.temperature, candidates=candidates, offset=offset)
        return {"z": ops.concatenate([z0, z1]), "logits": logits, "partners": partners}

    def objective(self, outputs):
        return {"nt_xent": losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])}

    def diagnostics(self, outputs):
        return {"accuracy": metrics.positive_accuracy(outputs["logits"], outputs["partners"])}

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6)

    def get_config(self):
        return {**super().get_config(), "temperature": self.temperature}
