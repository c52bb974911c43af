"""A copy of a model that follows it slowly."""

import keras
from keras import ops

from keras_ssl.distribution import is_moving_statistic, is_seed_state


@keras.saving.register_keras_serializable("keras_ssl")
class MomentumTeacher(keras.layers.Layer):
    """A copy of a student whose weights are an exponential moving average of the student's.

    The optimizer never sees the teacher: each of its variables is non-trainable. Its layers are not, so that batch
    normalisation uses batch statistics in training, and setting `trainable` on a model that holds a teacher leaves
    the teacher as it is. Moving statistics are the teacher's own; they are not averaged with the student's.

    Formula:
        `teacher = momentum * teacher + (1 - momentum) * student`

    Args:
        student: a built Keras model or layer that can be made anew from its config. It is copied, not kept.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Call arguments:
        inputs: what the student takes.
        training: bool.

    Returns:
        What the student would return, without gradient.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import layers
    >>> student = layers.ProjectionHead(input_dim=2, widths=(2,))
    >>> teacher = layers.MomentumTeacher(student)
    >>> student.set_weights([np.ones((2, 2)), np.ones(2)])
    >>> teacher.follow(student, momentum=0.0)
    >>> teacher(np.ones((1, 2), "float32")).numpy().tolist()
    [[3.0, 3.0]]

    Reference: Mean teacher, arXiv 1703.01780, eq. 1; BYOL, arXiv 2006.07733, eq. 1.
    """

    def __init__(self, student, **kwargs):
        super().__init__(**kwargs)
        if not student.built:
            raise ValueError(f"`student` must be built: call it once, or give it an Input. Received: student={student}")
        self.copy = type(student).from_config(student.get_config())
        self.copy.set_weights(student.get_weights())
        for variable in self.copy.variables:
            variable.trainable = False
        self.built = True

    @property
    def trainable(self):
        """Always true, see above; setting it does nothing."""
        return True

    @trainable.setter
    def trainable(self, value):
        pass

    def call(self, inputs, training=False):
        outputs = self.copy(inputs, training=training)
        return keras.tree.map_structure(ops.stop_gradient, outputs)

    def follow(self, student, momentum, stepped=True):
        """Moves the weights towards the student's, where `stepped`.

        Args:
            student: the model that the teacher was made from.
            momentum: float scalar in [0, 1].
            stepped: bool scalar; the teacher stands still where it is false.
        """
        rate = 1.0 - ops.cast(momentum, "float32")
        for mine, theirs in zip(averaged_variables(self.copy), averaged_variables(student), strict=True):
            before = ops.convert_to_tensor(mine)
            # Written as a difference, so that equal weights stay equal to the bit.
            after = before + ops.cast(rate, mine.dtype) * (ops.convert_to_tensor(theirs) - before)
            mine.assign(ops.where(stepped, after, before))

    def get_config(self):
        return {**super().get_config(), "student": keras.saving.serialize_keras_object(self.copy)}

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        config["student"] = keras.saving.deserialize_keras_object(config["student"])
        return cls(**config)


def averaged_variables(model):
    """The variables that a teacher averages, by position: floats that are not moving statistics."""
    return [
        variable
        for variable in model.variables
        if "float" in variable.dtype and not is_moving_statistic(variable) and not is_seed_state(variable)
    ]
