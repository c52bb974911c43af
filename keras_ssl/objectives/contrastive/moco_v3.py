"""MoCo, version 3."""

import keras
from keras import ops

from keras_ssl import losses, metrics, optimizers, schedules
from keras_ssl.augment import Augmentation
from keras_ssl.augment.image import byol_views
from keras_ssl.objectives.checks import check_positive
from keras_ssl.objectives.contrastive.contrast import contrast
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class MoCoV3(MomentumTeacherModel):
    """Predicts a slowly moving teacher's projection of the other view, among those of all pictures in the batch.

    Student: encoder, projector, predictor. Teacher: a momentum average of encoder and projector. There is no queue: the
    negatives are the teacher's projections of the other pictures, those of all replicas included, so it wants large
    batches (1,024 and more; the paper: 4,096). Both directions are added and multiplied by twice the temperature, so
    that one rate serves several temperatures: `2 T (info_nce(p_0, k_1) + info_nce(p_1, k_0))`, as in the authors' code
    and in solo-learn; 4 T times `losses.info_nce` as a mean of both. Short trainings want a lower starting `momentum`
    than long ones (the authors: .99 for 300 epochs, .996 for 1,000).

    The defaults are those of the authors' code for a ResNet, but for the temperature. A Vision Transformer has one more
    layer in the projection head, `projection_widths=(4096, 4096, 256)`, crops from .08 up, AdamW with rate
    1.5e-4 * batch / 256 and weight decay .1, and 40 epochs of warm-up; its patch projection stays frozen at random
    (freeze that layer before wrapping the encoder).

    NOTE: The paper normalises the output of the prediction head too. The authors' code, and solo-learn, do so for a
    Vision Transformer (`normalize_prediction=True`), and leave it out for a ResNet, as it is here unless asked for.

    Logs `accuracy`, how often the teacher's projection of the same picture is the nearest, and `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers; the output is normalised without scale and shift.
        prediction_widths: widths of the prediction head's layers; the last must be that of the projection.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for a cosine from .99 to 1.
        temperature: float above 0. The paper's, for Vision Transformers, is .2; the authors' code takes 1 for a ResNet.
        normalize_prediction: bool, whether the prediction is batch-normalised, without scale and shift.
        augment: function `(x, rng) -> (view_0, view_1)`; None for `augment.image.byol_views` with crops from .2 up.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If the temperature is not positive, prediction and projection differ in width, or a batch has a
            single row, for then there is no negative.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.MoCoV3(encoder, projection_widths=(16, 8), prediction_widths=(16, 8))
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'embedding_std', 'loss', 'teacher_momentum']

    Reference: arXiv 2104.02057, algorithm 1. For ResNets LARS with rate .3 * batch / 256, ten epochs of warm-up, cosine
    decay, weight decay 1e-6 (the authors' code for 300 epochs; for 100 epochs its rate is .6).
    """

    terms = ("info_nce",)
    predicts = True
    diagnostics_names = ("accuracy", "teacher_momentum")
    minimum_batch = 2
    projection_options = {"normalize_output": True, "scale_output": False, "center_output": False}

    def __init__(
        self,
        encoder,
        projection_widths=(4096, 256),
        prediction_widths=(4096, 256),
        momentum=None,
        temperature=0.2,
        normalize_prediction=False,
        augment=None,
        **kwargs,
    ):
        head = {"normalize_output": normalize_prediction, "scale_output": False, "center_output": False}
        super().__init__(
            encoder, projection_widths, prediction_widths, momentum, augment, prediction_options=head, **kwargs
        )
        check_positive(temperature=temperature)
        self.temperature = temperature
        self.normalize_prediction = normalize_prediction

    def default_augment(self):
        return Augmentation(byol_views, crop_scale=(0.2, 1.0), brightness_mode="multiplicative")

    def default_momentum(self):
        return schedules.CosineMomentum(start=0.99, end=1.0)

    def forward(self, views, training):
        projections = self.project_apart(views, training)
        queries = [self.predictor(z, training=training) for z in projections]
        keys = [self.teach(view, training) for view in reversed(views)]
        return {
            "z": ops.concatenate(projections, axis=0),
            **contrast(zip(queries, keys, strict=True), self.temperature),
            "teacher_momentum": self.scheduled(self.momentum),
        }

    def objective(self, outputs):
        mean = losses.nt_xent_of_logits(outputs["logits"], outputs["partners"])
        return {"info_nce": 4.0 * self.temperature * mean}

    def diagnostics(self, outputs):
        accuracy = metrics.positive_accuracy(outputs["logits"], outputs["partners"])
        return {"accuracy": accuracy, **super().diagnostics(outputs)}

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.3, warmup_epochs=10, reference_batch_size=256)
        return optimizers.LARS(rate, momentum=0.9, weight_decay=1e-6)

    def get_config(self):
        own = {"temperature": self.temperature, "normalize_prediction": self.normalize_prediction}
        return {**super().get_config(), **own}
