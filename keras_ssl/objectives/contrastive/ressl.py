"""ReSSL."""

import keras

from keras_ssl import layers, losses, optimizers, schedules
from keras_ssl.augment.image import ressl_views
from keras_ssl.objectives import checks
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class ReSSL(MomentumTeacherModel):
    """Finds a picture as much like each of many others as a slowly moving teacher does, who sees it less distorted.

    The student sees a strong view and the teacher a weak one, cropped and flipped only. Both are compared to a queue of
    the teacher's past projections; the student's similarities must match the teacher's, which are sharper by the lower
    temperature (`losses.ressl`). There are no positives or negatives, so two pictures of one kind may stay alike.

    The batch may be small (the paper: 256), for the comparison is with the queue. The queue must not be longer than the
    data. For CIFAR-10 the paper takes a queue of 4,096, and no blur.

    Logs `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers; no batch normalisation between them.
        student_temperature: float above 0.
        teacher_temperature: float above 0, below the student's.
        queue_size: int, how many of the teacher's projections to compare to; from the rows of a global batch to those
            of an epoch.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for .999.
        augment: function `(x, rng) -> (view for the student, view for the teacher)`; None for
            `augment.image.ressl_views` as in the paper.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If a temperature or the queue's size is not positive, or the teacher's temperature is not below the
            student's; in `fit`, if the queue does not fit the data.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import backbones, objectives
    >>> encoder = backbones.small_image_resnet((8, 8, 3), widths=(4, 8))
    >>> model = objectives.ReSSL(encoder, projection_widths=(16, 8), queue_size=8)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss', 'teacher_momentum']

    Reference: arXiv 2107.09282. SGD with rate .05 * batch / 256, momentum .9, five epochs of warm-up, cosine decay,
    coupled weight decay 1e-4, none for biases and normalisation (section 4 and code).
    """

    terms = ("ressl",)
    projection_options = {"batch_normalization": False}

    def __init__(
        self,
        encoder,
        projection_widths=(4096, 512),
        student_temperature=0.1,
        teacher_temperature=0.04,
        queue_size=131072,
        momentum=None,
        augment=None,
        **kwargs,
    ):
        super().__init__(encoder, projection_widths, momentum=momentum, augment=augment, **kwargs)
        checks.check_positive(
            student_temperature=student_temperature, teacher_temperature=teacher_temperature, queue_size=queue_size
        )
        if not teacher_temperature < student_temperature:
            raise ValueError(
                f"`teacher_temperature` must be below the student's, {student_temperature}, so that the target is the "
                f"sharper one. Received: teacher_temperature={teacher_temperature}"
            )
        self.student_temperature = student_temperature
        self.teacher_temperature = teacher_temperature
        self.queue_size = queue_size
        self.queue = layers.FeatureQueue(queue_size, self.z_dim, seed=self.seed)

    def default_augment(self):
        return ressl_views

    def default_momentum(self):
        return 0.999

    def check_data(self, rows, batch_size):
        super().check_data(rows, batch_size)
        checks.check_queue(self.queue_size, rows, batch_size)

    def forward(self, views, training):
        strong, weak = views
        return {
            "z": self.projector(self.encode(strong, training), training=training),
            "target": self.teach(weak, training),
            "queue": self.queue.features_now(),
            "teacher_momentum": self.scheduled(self.momentum),
        }

    def objective(self, outputs):
        temperatures = self.student_temperature, self.teacher_temperature
        return {"ressl": losses.ressl(outputs["z"], outputs["target"], outputs["queue"], *temperatures)}

    def after_step(self, outputs, stepped):
        super().after_step(outputs, stepped)
        self.queue.enqueue(outputs["target"], stepped)

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=0.05, warmup_epochs=5, reference_batch_size=256)
        return optimizers.CoupledSGD(rate, momentum=0.9, weight_decay=1e-4, exclude=optimizers.one_dimensional)

    def get_config(self):
        return {
            **super().get_config(),
            "student_temperature": self.student_temperature,
            "teacher_temperature": self.teacher_temperature,
            "queue_size": self.queue_size,
        }
