"""The loss of DINO."""

from keras import ops

from keras_ssl.losses.cross_entropy import cross_entropy


def dino(teacher_logits, student_logits, center, teacher_temperature=0.04, student_temperature=0.1):
    """Self-distillation: the student has to predict what the teacher makes of another view of the same picture.

    The centre keeps one output from winning everywhere, the low temperature of the teacher keeps all from being equal.
    No gradient flows to the teacher.

    Formula:
        `P_t(i) = softmax((t_i - center) / teacher_temperature)`, `P_s(j) = softmax(s_j / student_temperature)`; the
        loss is the mean, over teacher's views `i` and student's views `j != i`, of the mean over rows of
        `-sum_k P_t(i)_k * log P_s(j)_k`.

    The scale is that of the paper's code, lightly and solo-learn; equation 3 of the paper adds the pairs where its code
    and this take their mean.

    Args:
        teacher_logits: list of Tensors of shape `(batch, k)`, the teacher's outputs for the large views. Any float
            dtype; computed in float32.
        student_logits: list of Tensors of shape `(batch, k)`, the student's outputs: first those for the same views,
            in the same order, then those for the small ones. A view is not compared with itself.
        center: Tensor of shape `(k,)`, a running mean of the teacher's outputs.
        teacher_temperature: float or scalar Tensor above 0.
        student_temperature: float above 0.

    Returns:
        float32 scalar, at least 0.

    Raises:
        ValueError: If a temperature is not positive, or the teacher's views are not all among the student's.

    Example:

    >>> import numpy as np
    >>> from keras_ssl import losses
    >>> logits = np.zeros((2, 8), "float32")
    >>> round(float(losses.dino([logits, logits], [logits, logits], center=np.zeros(8))), 4)  # log 8
    2.0794

    Reference: arXiv 2104.14294, eq. 1 to 3 and algorithm 1.
    """
    for name, value in (("teacher_temperature", teacher_temperature), ("student_temperature", student_temperature)):
        if isinstance(value, (int, float)) and not value > 0:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")
    if not teacher_logits or len(student_logits) < max(2, len(teacher_logits)):
        raise ValueError(
            "`student_logits` must hold the views of `teacher_logits`, at least one, and two or more in all. "
            f"Received: {len(teacher_logits)} teacher's and {len(student_logits)} student's views"
        )
    center = ops.cast(center, "float32")
    total = 0.0
    for index, logits in enumerate(teacher_logits):
        centred = (ops.cast(ops.stop_gradient(logits), "float32") - center) / teacher_temperature
        targets = ops.softmax(centred, axis=1)
        for other, predicted in enumerate(student_logits):
            if other != index:
                total += cross_entropy(targets, ops.cast(predicted, "float32") / student_temperature)
    return total / (len(teacher_logits) * (len(student_logits) - 1))
