"""W-MSE."""

from itertools import combinations

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import distribution, losses, schedules
from keras_ssl.augment import Augmentation
from keras_ssl.augment.image import simclr_views
from keras_ssl.objectives.checks import check_below_one, check_positive
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


@keras.saving.register_keras_serializable("keras_ssl")
class WMSE(JointEmbeddingModel):
    """Whitens the projections of each view and pulls the views of a picture together: no negatives, no teacher.

    The batches of all replicas are shuffled and cut into parts of `whitening_size` rows; each view of each part is
    whitened by its own covariance (`losses.wmse`), so that the projections cannot collapse. Of more than two views
    every pair counts (the paper's W-MSE 4 has four). A batch must be a multiple of `whitening_size`, which should be
    twice the width of the projection. The defaults are the paper's for CIFAR-10 and CIFAR-100; for larger pictures it
    takes a width of 128, parts of 256 and four iterations.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        whitening_size: int above the projection's width, rows that are whitened together.
        iterations: int, how often the batch is shuffled and cut; the loss is the mean.
        epsilon: float in [0, 1), the share of the identity in the covariance. The paper's is 0; some 1e-3 help where
            training ends because the loss is not finite, that is, where a covariance is singular.
        augment: function `(x, rng) -> views`, two or more; None for the paper's: `augment.image.simclr_views` at half
            strength, crops from .2 up, grey with probability .1, no blur.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If `whitening_size` is not above the projection's width, `iterations` is not positive, or `epsilon`
            is out of bounds; in `fit` and `evaluate`, if `whitening_size` does not divide the batch.
        tensorflow.errors.InvalidArgumentError: If it does not divide a last batch whose size was not known before.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.WMSE(encoder, projection_widths=(16, 2), whitening_size=4)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=8, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss']

    Reference: arXiv 2007.06346. Adam with rate 3e-3, 500 updates of warm-up, weight decay 1e-6 (section 5).
    """

    terms = ("wmse",)
    view_counts = (2, None)

    def __init__(
        self,
        encoder,
        projection_widths=(1024, 64),
        whitening_size=128,
        iterations=1,
        epsilon=0.0,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, augment=augment, **kwargs)
        check_positive(iterations=iterations)
        if not whitening_size > self.z_dim:
            raise ValueError(
                f"`whitening_size` must be above the width of the projection, {self.z_dim}, better twice that. "
                f"Received: whitening_size={whitening_size}"
            )
        check_below_one(epsilon=epsilon)
        self.whitening_size = self.minimum_batch = self.batch_multiple = whitening_size
        self.iterations = iterations
        self.epsilon = epsilon

    def default_augment(self):
        return Augmentation(simclr_views, strength=0.5, crop_scale=(0.2, 1.0), grayscale=0.1, blur=0.0)

    def views(self, batch, rng, training):
        """The views, and the orders in which the rows of all replicas are cut into parts."""
        rows = rng.rows * distribution.replica_count()
        if tf.is_tensor(rows):
            wanted = f"`batch_size` must leave no last batch that is no multiple of {self.whitening_size}"
            with tf.control_dependencies([tf.debugging.assert_equal(rows % self.whitening_size, 0, wanted)]):
                rows = tf.identity(rows)
        orders = rng.shared("orders", self.iterations).permutation("rows", rows)
        return {"views": super().views(batch, rng, training), "orders": orders}

    def forward(self, views, training):
        features = [self.encode(view, training) for view in views["views"]]
        z = self.projector(ops.concatenate(features, axis=0), training=training)
        projections = ops.split(z, len(features), axis=0)
        return {"z": z, "everywhere": [distribution.gather(z) for z in projections], "orders": views["orders"]}

    def objective(self, outputs):
        options = {"permutations": outputs["orders"], "epsilon": self.epsilon}
        pairs = combinations(outputs["everywhere"], 2)
        distances = [losses.wmse(z0, z1, self.whitening_size, **options) for z0, z1 in pairs]
        return {"wmse": sum(distances) / len(distances)}

    def default_optimizer(self):
        """The paper's Adam.

        NOTE: The rate falls along a cosine where the paper divides it by five 50 and 25 epochs before the end, and the
        weight decay is decoupled as always in Keras.
        """
        return keras.optimizers.Adam(schedules.WarmupCosine(peak=3e-3, warmup_steps=500), weight_decay=1e-6)

    def get_config(self):
        names = ("whitening_size", "iterations", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
