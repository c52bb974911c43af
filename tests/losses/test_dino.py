import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def dino_oracle(t0, t1, s0, s1, s2, center, teacher_temperature, student_temperature):
    """Equations 1 to 3 of the paper, pair by pair and row by row."""
    pairs = []
    for i, t in enumerate((t0, t1)):
        for j, s in enumerate((s0, s1, s2)):
            if i != j:
                total = 0.0
                for teacher, student in zip(t, s, strict=True):
                    target = np.exp((teacher - center) / teacher_temperature)
                    prediction = np.exp(student / student_temperature)
                    total -= np.dot(target / target.sum(), np.log(prediction / prediction.sum()))
                pairs.append(total / len(t))
    assert len(pairs) == 4
    return np.mean(pairs)


def loss_of_lists(t0, t1, s0, s1, s2, **keywords):
    return losses.dino([t0, t1], [s0, s1, s2], **keywords)


@pytest.mark.parametrize("temperatures", [(0.04, 0.1), (0.5, 1.0)])
def test_equals_the_formula(rng, temperatures):
    arguments = {name: np.tanh(rng.normal(size=(5, 6))) for name in ("t0", "t1", "s0", "s1", "s2")}
    arguments["center"] = 0.1 * rng.normal(size=6)
    arguments.update(zip(("teacher_temperature", "student_temperature"), temperatures, strict=True))
    testing.run_loss_test(loss_of_lists, dino_oracle, arguments)


def test_of_outputs_that_are_all_equal_is_the_log_of_their_number():
    logits = np.ones((3, 7), "float32")
    assert float(losses.dino([logits], [logits, logits], np.zeros(7))) == pytest.approx(np.log(7), abs=1e-5)


def test_no_gradient_reaches_the_teacher_or_its_view_of_the_student(rng):
    teacher, same, other = (tf.constant(rng.normal(size=(4, 3)), "float32") for _ in range(3))
    with tf.GradientTape() as tape:
        tape.watch([teacher, same, other])
        loss = losses.dino([teacher], [same, other], np.zeros(3))
    gradients = tape.gradient(loss, [teacher, same, other])
    assert gradients[0] is None
    assert gradients[1] is None  # the view that the teacher saw
    assert np.abs(gradients[2]).max() > 0


def test_parts_average_to_the_whole(rng):
    teacher, student = (rng.normal(size=(2, 6, 5)).astype("float32") for _ in range(2))
    center = np.full(5, 0.1, "float32")
    parts = [losses.dino(list(teacher[:, i : i + 3]), list(student[:, i : i + 3]), center) for i in (0, 3)]
    whole = losses.dino(list(teacher), list(student), center)
    assert np.mean(parts) == pytest.approx(float(whole), rel=1e-6)


ONES = np.ones((2, 3), "float32")


@pytest.mark.parametrize(
    ("teacher", "student", "keywords", "message"),
    [
        ([ONES], [ONES, ONES], {"teacher_temperature": 0.0}, "`teacher_temperature` must be positive.*=0.0"),
        ([ONES], [ONES, ONES], {"student_temperature": -1}, "`student_temperature` must be positive.*=-1"),
        ([ONES], [ONES], {}, "Received: 1 teacher's and 1 student's views"),
        ([ONES] * 3, [ONES] * 2, {}, "Received: 3 teacher's and 2 student's views"),
        ([], [ONES] * 2, {}, "Received: 0 teacher's and 2 student's views"),
    ],
)
def test_refuses(teacher, student, keywords, message):
    with pytest.raises(ValueError, match=message):
        losses.dino(teacher, student, np.zeros(3), **keywords)
