"""BYOL."""

import keras
from keras import ops

from keras_ssl import losses, optimizers, schedules
from keras_ssl.augment.image import byol_views
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class BYOL(MomentumTeacherModel):
    """Predicts a slowly moving teacher's projection of one view from the other view; no negatives.

    Student: encoder, projector, predictor. Teacher: a momentum average of encoder and projector. The loss adds both
    directions of `2 - 2 cos(prediction, teacher's projection)`, so it lies in [0, 8]; solo-learn's is the same. The
    batch may be small (64 and more), but training short of some hundred epochs wants a lower starting `momentum`
    (.97 to .99) than the paper's .996, or the teacher hardly moves.

    Logs `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers.
        prediction_widths: widths of the prediction head's layers; the last must be that of the projection.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for a cosine from .996 to 1.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.byol_views` as in the paper.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If prediction and projection differ in width.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.BYOL(encoder, projection_widths=(16, 8), prediction_widths=(16, 8))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss', 'teacher_momentum']

    Reference: arXiv 2006.07733. LARS with rate .2 * batch / 256, ten epochs of warm-up, cosine decay, weight decay
    1.5e-6 (section 3.3).
    """

    terms = ("byol",)
    predicts = True

    def __init__(
        self,
        encoder,
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=None,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, prediction_widths, momentum, augment, **kwargs)

    def default_augment(self):
        return byol_views

    def forward(self, views, training):
        projections = self.project_apart(views, training)
        return {
            "z": ops.concatenate(projections, axis=0),
            "predictions": [self.predictor(z, training=training) for z in projections],
            "targets": [self.teach(view, training) for view in views],
            "teacher_momentum": self.scheduled(self.momentum),
        }

    def objective(self, outputs):
        first, second = outputs["predictions"]
        target_of_first, target_of_second = outputs["targets"]
        directions = losses.negative_cosine(first, target_of_second), losses.negative_cosine(second, target_of_first)
        return {"byol": 4.0 + 2.0 * sum(directions)}

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.2, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1.5e-6)
