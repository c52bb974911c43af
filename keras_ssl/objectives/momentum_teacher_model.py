"""What objectives that learn from a slowly moving teacher have in common."""

import keras

from keras_ssl import layers, schedules
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


class MomentumTeacherModel(JointEmbeddingModel):
    """An objective with a teacher: a momentum average of encoder and projector, which the optimizer never sees.

    A subclass puts `"teacher_momentum": self.scheduled(self.momentum)` into what `forward` returns; the teacher moves
    by it after each update, and it is logged.

    Args:
        encoder, projection_widths, prediction_widths, augment: see `JointEmbeddingModel`.
        momentum: schedule or float in [0, 1], the teacher's momentum by step; None for the paper's.
        **kwargs: `feature_key`, `seed`, `name`, `dtype`.

    Raises:
        ValueError: If a momentum that is a number is out of [0, 1].
    """

    diagnostics_names = ("teacher_momentum",)

    def __init__(self, encoder, projection_widths=None, prediction_widths=None, momentum=None, augment=None, **kwargs):
        super().__init__(encoder, projection_widths, prediction_widths, augment, **kwargs)
        if isinstance(momentum, (int, float)) and not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must be in [0, 1]. Received: momentum={momentum}")
        self.momentum = schedules.as_schedule(self.default_momentum() if momentum is None else momentum)
        schedules.bind_schedule(self.momentum, self.clock)
        self.teacher_encoder = layers.MomentumTeacher(self.encoder, name="teacher_encoder")
        self.teacher_projector = layers.MomentumTeacher(self.projector, name="teacher_projector")

    def default_momentum(self):
        """The paper's momentum: a schedule or a float."""
        return schedules.CosineMomentum(start=0.996, end=1.0)

    def teach(self, view, training):
        """The teacher's projection of a view, without gradient: `(rows, z_dim)`."""
        features = self.encode(view, training, encoder=self.teacher_encoder)
        return self.teacher_projector(features, training=training)

    def diagnostics(self, outputs):
        return {"teacher_momentum": outputs["teacher_momentum"]}

    def after_step(self, outputs, stepped):
        self.teacher_encoder.follow(self.encoder, outputs["teacher_momentum"], stepped)
        self.teacher_projector.follow(self.projector, outputs["teacher_momentum"], stepped)

    def get_config(self):
        return {**super().get_config(), "momentum": keras.saving.serialize_keras_object(self.momentum)}
