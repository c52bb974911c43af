"""TiCo."""

import keras
from keras import ops

from keras_ssl import distribution, losses, optimizers, schedules
from keras_ssl.augment.image import byol_views
from keras_ssl.objectives.checks import check_below_one, check_not_negative
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class TiCo(MomentumTeacherModel):
    """Agrees with a slowly moving teacher on the other view, and keeps out of the directions that are crowded.

    The student's projection of the first view is pulled towards the teacher's of the second; the running covariance of
    the student's projections, over the batches of all replicas, is the memory of where rows lie (`losses.tico`), in
    place of a queue of negatives. There is no predictor. Batches from 256 on do (the paper: 4,096). Training short of
    some hundred epochs wants a lower starting `momentum`.

    Logs `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for a cosine from .99 to 1.
        weight: float, at least 0; what the covariance weighs, rho in the paper. lightly takes 20.
        covariance_momentum: float in [0, 1), what is kept of the covariance at each step; beta in the paper.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.byol_views` as in the paper.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the weight is negative, or the covariance's momentum is out of bounds.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> model = objectives.TiCo(backbones.small_image_resnet((8, 8, 3), widths=(4, 8)), projection_widths=(16, 8))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss', 'teacher_momentum']

    Reference: arXiv 2206.10698, algorithm 1. LARS with rate .2 * batch / 256, ten epochs of warm-up, cosine decay,
    weight decay 1.5e-6, as BYOL.
    """

    terms = ("tico",)

    def __init__(
        self,
        encoder,
        projection_widths=(4096, 256),
        momentum=None,
        weight=8.0,
        covariance_momentum=0.9,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, momentum=momentum, augment=augment, **kwargs)
        check_not_negative(weight=weight)
        check_below_one(covariance_momentum=covariance_momentum)
        self.weight = weight
        self.covariance_momentum = covariance_momentum
        self.covariance = self.add_weight(
            shape=(self.z_dim, self.z_dim), initializer="zeros", dtype="float32", trainable=False, name="covariance"
        )

    def default_augment(self):
        return byol_views

    def default_momentum(self):
        return schedules.CosineMomentum(start=0.99, end=1.0)

    def forward(self, views, training):
        z = self.projector(self.encode(views[0], training), training=training)
        before = ops.convert_to_tensor(self.covariance)
        return {
            "z": z,
            "target": self.teach(views[1], training),
            "covariance": losses.tico_covariance(distribution.gather(z), before, self.covariance_momentum),
            "teacher_momentum": self.scheduled(self.momentum),
        }

    def objective(self, outputs):
        return {"tico": losses.tico(outputs["z"], outputs["target"], outputs["covariance"], self.weight)}

    def after_step(self, outputs, stepped):
        super().after_step(outputs, stepped)
        before = ops.convert_to_tensor(self.covariance)
        self.covariance.assign(ops.where(stepped, outputs["covariance"], before))

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.2, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1.5e-6)

    def get_config(self):
        own = {"weight": self.weight, "covariance_momentum": self.covariance_momentum}
        return {**super().get_config(), **own}
