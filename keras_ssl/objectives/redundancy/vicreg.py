"""VICReg."""

import keras
from keras import ops

from keras_ssl import distribution, losses, optimizers, schedules
from keras_ssl.augment import Augmentation
from keras_ssl.augment.image import byol_views
from keras_ssl.objectives.checks import check_not_negative
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class VICReg(JointEmbeddingModel):
    """Makes two views agree, keeps each feature varying, and keeps features uncorrelated: no negatives, no teacher.

    Invariance, variance and covariance of the two views' projections, over the batches of all replicas
    (`losses.vicreg`). Batches from 256 on do (the paper: 2,048); wide projections do (the paper: 8,192; for small
    pictures 2,048). If `variance` stays near 2, the features collapse: the rate is too high, or `variance_weight` too
    low beside `invariance_weight`.

    Logs the three terms, not weighted: `invariance`, `variance`, `covariance`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers (the paper calls it expander).
        invariance_weight: float, at least 0; lambda in the paper.
        variance_weight: float, at least 0; mu in the paper. The authors' code and lightly take the mean over the two
            views where the paper takes the sum: their 25 is 12.5 here.
        covariance_weight: float, at least 0; nu in the paper.
        augment: function `(x, rng) -> (view_0, view_1)`; None for the paper's: `augment.image.byol_views`, both views
            alike, blurred with probability .5 and solarised with .1. The authors' code has BYOL's two different ones.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If a weight is negative, or a batch has a single row, for then nothing varies.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.VICReg(encoder, projection_widths=(16, 16))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['covariance', 'embedding_std', 'invariance', 'loss', 'variance']

    Reference: arXiv 2105.04906. LARS with rate .2 * batch / 256, ten epochs of warm-up, cosine decay to .002, weight
    decay 1e-6 (section 4.2); views: appendix C.1.
    """

    terms = ("invariance", "variance", "covariance")
    minimum_batch = 2

    def __init__(
        self,
        encoder,
        projection_widths=(8192, 8192, 8192),
        invariance_weight=25.0,
        variance_weight=25.0,
        covariance_weight=1.0,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        weights = (invariance_weight, variance_weight, covariance_weight)
        check_not_negative(**{f"{term}_weight": weight for term, weight in zip(self.terms, weights, strict=True)})
        self.term_weights = dict(zip(self.terms, weights, strict=True))

    def default_augment(self):
        both = {"blur": (0.5, 0.5), "solarize": (0.1, 0.1), "brightness_mode": "multiplicative"}
        return Augmentation(byol_views, **both)

    def forward(self, views, training):
        projections = self.project_apart(views, training)
        return {"z": ops.concatenate(projections, axis=0), "everywhere": [distribution.gather(z) for z in projections]}

    def objective(self, outputs):
        return dict(zip(self.terms, losses.vicreg_terms(*outputs["everywhere"]), strict=True))

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.2, warmup_epochs=10, reference_batch_size=256, end=0.002)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6)

    def get_config(self):
        weights = {f"{term}_weight": weight for term, weight in self.term_weights.items()}
        return {**super().get_config(), **weights}
