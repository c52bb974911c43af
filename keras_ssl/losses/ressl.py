"""The relational loss of ReSSL: two views should resemble other pictures alike."""

from keras import ops

from keras_ssl.losses.cosine import normalize


def ressl(student, teacher, queue, student_temperature=0.1, teacher_temperature=0.04):
    """Cross-entropy between the teacher's and the student's similarities to the features of a queue.

    Formula:
        `t = softmax(<teacher, queue> / teacher_temperature)`, `s = softmax(<student, queue> / student_temperature)`,
        all rows scaled to length 1; the loss is the mean over rows of `-sum(t * log s)`.

    The scale is the paper's, its code's and solo-learn's; lightly has no such loss. The smallest value is the entropy
    of the teacher's distribution, not 0.

    Args:
        student: Tensor of shape `(batch, dim)`, the student's projections. Any float dtype; computed in float32.
        teacher: Tensor of shape `(batch, dim)`, the teacher's projections of the other views. No gradient passes.
        queue: Tensor of shape `(size, dim)`, features of other pictures. No gradient passes.
        student_temperature: float above 0.
        teacher_temperature: float above 0; below the student's, so that the target is the sharper one.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If a temperature is not positive, or a shape does not fit.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> student = teacher = np.array([[1.0, 0.0]])
    >>> queue = np.array([[0.0, 1.0], [0.0, -1.0], [0.0, 3.0]])
    >>> round(float(losses.ressl(student, teacher, queue)), 4)  # all alike: log 3
    1.0986

    Reference: ReSSL, arXiv 2107.09282, eq. 3 to 5.
    """
    for name, value in (("student_temperature", student_temperature), ("teacher_temperature", teacher_temperature)):
        if not value > 0:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
    if len(student.shape) != 2 or tuple(student.shape) != tuple(teacher.shape):
        raise ValueError(
            "`student` and `teacher` must both have the shape (batch, dim). "
            f"Received: student.shape={tuple(student.shape)}, teacher.shape={tuple(teacher.shape)}"
        )
    if len(queue.shape) != 2 or queue.shape[1] != student.shape[1]:
        raise ValueError(
            f"`queue` must have the shape (size, {student.shape[1]}). Received: queue.shape={tuple(queue.shape)}"
        )
    others = ops.transpose(ops.stop_gradient(normalize(queue)))
    target = ops.softmax(ops.matmul(ops.stop_gradient(normalize(teacher)), others) / teacher_temperature, axis=1)
    guess = ops.log_softmax(ops.matmul(normalize(student), others) / student_temperature, axis=1)
    return -ops.mean(ops.sum(target * guess, axis=1))
