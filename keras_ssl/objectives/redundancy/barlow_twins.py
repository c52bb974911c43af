"""Barlow Twins."""

import keras
from keras import ops

from keras_ssl import distribution, losses, optimizers, schedules
from keras_ssl.augment.image import byol_views
from keras_ssl.objectives.checks import check_not_negative
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class BarlowTwins(JointEmbeddingModel):
    """Makes each feature agree over two views, and differ from every other feature: no negatives, no teacher.

    The cross-correlation matrix of the two views' projections, over the batches of all replicas, is pulled towards the
    identity (`losses.barlow_twins`). Batches of 256 do, larger ones hardly help (the paper: 2,048); wide projections
    do (the paper: 8,192; for small pictures 2,048). The loss adds up the entries of a `dim * dim` matrix, so its value
    grows with the width: a lower rate, or solo-learn's factor of .1, is the same remedy.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        redundancy_weight: float, at least 0; what an entry off the diagonal weighs, lambda in the paper.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.byol_views` as in the paper.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the weight is negative, or a batch has a single row, for then nothing varies.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.BarlowTwins(encoder, projection_widths=(16, 16))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss']

    Reference: arXiv 2103.03230. LARS with rate .2 * batch / 256, and .0048 * batch / 256 for biases and the weights of
    batch normalisation; ten epochs of warm-up, cosine decay to a thousandth, weight decay 1.5e-6 (section 2.2).
    """

    terms = ("barlow_twins",)
    minimum_batch = 2

    def __init__(self, encoder, projection_widths=(8192, 8192, 8192), redundancy_weight=0.005, augment=None, **kwargs):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        check_not_negative(redundancy_weight=redundancy_weight)
        self.redundancy_weight = redundancy_weight

    def default_augment(self):
        return byol_views

    def forward(self, views, training):
        projections = self.project_apart(views, training)
        return {"z": ops.concatenate(projections, axis=0), "everywhere": [distribution.gather(z) for z in projections]}

    def objective(self, outputs):
        return {"barlow_twins": losses.barlow_twins(*outputs["everywhere"], self.redundancy_weight)}

    def groups(self):
        """Kernels, and what LARS leaves out: each has a rate of its own in the paper."""
        small = {True: [], False: []}
        for variable in self.trainable_variables:
            small[optimizers.one_dimensional(variable)].append(variable)
        return {"kernels": small[False], "biases": small[True]}

    def default_optimizer(self):
        def lars(peak):
            rate = schedules.WarmupCosine(peak, warmup_epochs=10, reference_batch_size=256, end=peak / 1000)
            return optimizers.LARS(rate, momentum=0.9, weight_decay=1.5e-6)

        return {"kernels": lars(0.2), "biases": lars(0.0048)}

    def get_config(self):
        return {**super().get_config(), "redundancy_weight": self.redundancy_weight}
