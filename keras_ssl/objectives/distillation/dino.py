"""DINO."""

import keras
from keras import ops

from keras_ssl import distribution, layers, losses, schedules
from keras_ssl.augment.image import dino_views
from keras_ssl.objectives import checks
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel


@keras.saving.register_keras_serializable("keras_ssl")
class DINO(MomentumTeacherModel):
    """Predicts from each view the sharpened and centred output of a slowly moving teacher for another, large view.

    Encoder, projector and prototypes make the student; the teacher is a momentum average of all three. The teacher sees
    the two large views, the student all of them (`losses.dino`). No negatives; what keeps it from collapse is the
    balance of the two: a centre that is taken off the teacher's output, and a low temperature of the teacher.

    The batch may be small (64 and more), but then wants a higher starting `momentum` (the paper: .9995 at 256); a
    training of few epochs wants a lower one, and fewer prototypes for little data (2,048 and up). Collapse shows as
    a loss that stays at `log(prototype_count)` or falls to 0: lower the teacher's temperature or the rate, or freeze
    the last layer for longer.

    Views of two sizes need an encoder that leaves height and width open, `keras.Input((None, None, 3))`. For an encoder
    of one size make all views of that size: `augment=Augmentation(dino_views, global_size=28, local_count=0)`.

    Logs `teacher_momentum`.

    Args:
        encoder: built model from pictures (or anything that `augment` takes) to features `(batch, features)`.
        projection_widths: widths of the projection head's layers, with GELU between them.
        prototype_count: int, width of the output that teacher and student compare.
        student_temperature: float above 0.
        teacher_temperature: schedule or float above 0; None for a warm-up from .04 to .07 over 30 epochs.
        center_momentum: float in [0, 1), the share of the old centre.
        frozen_epochs: float, epochs in which the student's last layer, its prototypes, stays as it was drawn.
        batch_normalization: bool, whether the projection head has batch normalisation between its layers, as an option
            of the paper's code does. Small convolutional encoders in short trainings want it: without it their
            projections begin so much alike that centre and temperature leave nothing to learn from, and they collapse.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for a cosine from .996 to 1.
        augment: function `(x, rng) -> views`, the two large ones first; None for `augment.image.dino_views` as in the
            paper: two of 224 pixels, eight of 96.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`, see `SelfSupervisedModel`.

    Raises:
        ValueError: If an argument is out of range, or a view does not fit the encoder.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl import augment, objectives
    >>> views = augment.Augmentation(augment.image.multi_crop, global_size=8, local_size=4, local_count=1)
    >>> layers = [keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3), keras.layers.GlobalAveragePooling2D()]
    >>> encoder = keras.Sequential(layers)
    >>> model = objectives.DINO(encoder, projection_widths=(8, 8), prototype_count=16, augment=views)
    >>> pictures = np.random.default_rng(0).integers(0, 255, (8, 8, 8, 3), "uint8")
    >>> history = model.fit(pictures, batch_size=4, verbose=0)
    >>> sorted(history.history)
    ['embedding_std', 'loss', 'teacher_momentum']

    Reference: arXiv 2104.14294. AdamW with rate 5e-4 * batch / 256, ten epochs of warm-up, cosine decay to 1e-6, the
    gradient of each weight clipped to a norm of 3 (section 3.2 and its code).
    NOTE: The paper's weight decay rises from .04 to .4 and spares biases and scales; here it stays at .04, for all.
    This is for Vision Transformers. For a ResNet the authors' code takes SGD with weight decay 1e-4, and SwAV's crops.
    """

    terms = ("dino",)
    view_counts = (2, None)
    minimum_batch = 2
    projection_options = {"activation": "gelu"}

    def __init__(
        self,
        encoder,
        projection_widths=(2048, 2048, 256),
        prototype_count=65536,
        student_temperature=0.1,
        teacher_temperature=None,
        center_momentum=0.9,
        frozen_epochs=1,
        batch_normalization=False,
        momentum=None,
        augment=None,
        **kwargs,
    ):
        head = {"batch_normalization": batch_normalization}
        super().__init__(
            encoder, projection_widths, momentum=momentum, augment=augment, projection_options=head, **kwargs
        )
        self.batch_normalization = batch_normalization
        checks.check_positive(prototype_count=prototype_count, student_temperature=student_temperature)
        checks.check_not_negative(frozen_epochs=frozen_epochs)
        if isinstance(teacher_temperature, (int, float)):
            checks.check_positive(teacher_temperature=teacher_temperature)
        checks.check_below_one(center_momentum=center_momentum)
        self.prototype_count = prototype_count
        self.student_temperature = student_temperature
        warmup = schedules.LinearWarmup(start=0.04, end=0.07, warmup_epochs=30)
        self.teacher_temperature = schedules.as_schedule(warmup if teacher_temperature is None else teacher_temperature)
        schedules.bind_schedule(self.teacher_temperature, self.clock)
        self.center_momentum = center_momentum
        self.frozen_epochs = frozen_epochs
        self.prototypes = layers.Prototypes(self.z_dim, prototype_count, weight_normalization=True)
        self.teacher_prototypes = layers.MomentumTeacher(self.prototypes, name="teacher_prototypes")
        self.center = self.add_weight(
            shape=(prototype_count,),
            initializer="zeros",
            dtype="float32",
            autocast=False,
            trainable=False,
            name="center",
        )

    def default_augment(self):
        return dino_views

    def forward(self, views, training):
        z = self.project_together(views, training)
        large = keras.tree.map_structure(lambda *parts: ops.concatenate(parts, axis=0), *views[:2])
        taught = self.teacher_prototypes(self.teach(large, training))
        return {
            "z": z,
            "student_logits": ops.split(self.prototypes(z), len(views), axis=0),
            "teacher_logits": ops.split(taught, 2, axis=0),
            "teacher_momentum": self.scheduled(self.momentum),
            "teacher_temperature": self.scheduled(self.teacher_temperature),
        }

    def objective(self, outputs):
        logits = outputs["teacher_logits"], outputs["student_logits"]
        temperatures = outputs["teacher_temperature"], self.student_temperature
        return {"dino": losses.dino(*logits, self.center, *temperatures)}

    def held(self):
        return self.prototypes.trainable_variables, self.epochs_done() < self.frozen_epochs

    def after_step(self, outputs, stepped):
        super().after_step(outputs, stepped)
        self.teacher_prototypes.follow(self.prototypes, outputs["teacher_momentum"], stepped)
        # The mean of all replicas' means: the rows themselves are wide, and as many on each.
        logits = ops.cast(ops.concatenate(outputs["teacher_logits"], axis=0), "float32")
        mean = distribution.global_mean(ops.mean(logits, axis=0))
        before = ops.convert_to_tensor(self.center)
        self.center.assign(ops.where(stepped, before + (1.0 - self.center_momentum) * (mean - before), before))

    def default_optimizer(self):
        rate = schedules.WarmupCosine(peak=5e-4, warmup_epochs=10, end=1e-6, reference_batch_size=256)
        return keras.optimizers.AdamW(rate, weight_decay=0.04, clipnorm=3.0)

    def get_config(self):
        names = ("prototype_count", "student_temperature", "center_momentum", "frozen_epochs")
        names += ("batch_normalization",)
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "teacher_temperature": keras.saving.serialize_keras_object(self.teacher_temperature),
        }
