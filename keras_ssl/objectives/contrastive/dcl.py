"""DCL and DCLW."""

import keras
from keras import ops

from keras_ssl import distribution, losses
from keras_ssl.objectives.checks import check_positive
from keras_ssl.objectives.contrastive.simclr import SimCLR


@keras.saving.register_keras_serializable("keras_ssl")
class DCL(SimCLR):
    """SimCLR whose loss leaves the positive out of its denominator, so that small batches will do (from 32 on).

    Everything else is SimCLR's: views, head, optimizer, `accuracy`, and negatives from all replicas. The loss
    (`losses.decoupled_contrastive`) has no floor at 0, and is not to be compared with SimCLR's.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers; None for `(features, 128)`.
        temperature: float above 0. The paper takes .1 for ImageNet and .07 for CIFAR-10.
        sigma: float above 0 for DCLW, which weighs distant positives more (the paper: .5), or None for DCL.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.simclr_views`.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If temperature or sigma is not positive, or a batch has a single row, for then there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> model = objectives.DCL(backbones.small_image_resnet((8, 8, 3), widths=(4, 8)), sigma=0.5)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss']

    Reference: Decoupled contrastive learning, arXiv 2110.06848. The optimizer is SimCLR's (arXiv 2002.05709).
    """

    terms = ("decoupled_contrastive",)

    def __init__(self, encoder, projection_widths=None, temperature=0.1, sigma=None, augment=None, **kwargs):
        super().__init__(encoder, projection_widths, temperature, augment, **kwargs)
        if sigma is not None:
            check_positive(sigma=sigma)
        self.sigma = sigma

    def objective(self, outputs):
        weights = None
        if self.sigma is not None:
            pair = ops.split(outputs["z"], 2, axis=0)
            everywhere = [distribution.gather(z) for z in pair]
            weights = losses.von_mises_fisher_weights(*pair, self.sigma, candidates=everywhere)
        loss = losses.decoupled_contrastive_of_logits(outputs["logits"], outputs["partners"], weights)
        return {"decoupled_contrastive": loss}

    def get_config(self):
        return {**super().get_config(), "sigma": self.sigma}
