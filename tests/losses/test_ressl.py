import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, testing


def ressl_oracle(student, teacher, queue, student_temperature=0.1, teacher_temperature=0.04):
    """Equations 3 to 5 of the paper, row by row."""

    def distribution(row, temperature):
        scores = [np.dot(row, other) / np.linalg.norm(row) / np.linalg.norm(other) for other in queue]
        powers = np.exp(np.array(scores) / temperature)
        return powers / powers.sum()

    total = 0.0
    for s, t in zip(student, teacher, strict=True):
        target, guess = distribution(t, teacher_temperature), distribution(s, student_temperature)
        total -= sum(p * np.log(q) for p, q in zip(target, guess, strict=True))
    return total / len(student)


@pytest.fixture
def arguments(rng):
    return {name: rng.normal(size=(rows, 4)) for name, rows in (("student", 5), ("teacher", 5), ("queue", 9))}


@pytest.mark.parametrize(("student_temperature", "teacher_temperature"), [(0.1, 0.04), (1.0, 0.5)])
def test_equals_the_formula(arguments, student_temperature, teacher_temperature):
    arguments.update(student_temperature=student_temperature, teacher_temperature=teacher_temperature)
    testing.run_loss_test(losses.ressl, ressl_oracle, arguments)


def test_of_an_indistinguishable_queue_is_the_log_of_its_size(rng):
    rows = rng.normal(size=(3, 4)).astype("float32")
    assert float(losses.ressl(rows, rows[::-1], np.ones((8, 4)))) == pytest.approx(np.log(8), abs=1e-6)


def test_is_least_where_the_distributions_agree(arguments):
    student, queue = arguments["student"], arguments["queue"]
    agreed = float(losses.ressl(student, student, queue, 0.1, 0.1))
    scores = losses.normalize(student) @ losses.normalize(queue).numpy().T / 0.1
    entropy = float(tf.reduce_mean(-tf.reduce_sum(tf.nn.softmax(scores) * tf.nn.log_softmax(scores), axis=1)))
    assert agreed == pytest.approx(entropy, rel=1e-5)
    assert agreed < float(losses.ressl(arguments["teacher"], student, queue, 0.1, 0.1))


def test_gradients_reach_the_student_alone(arguments):
    tensors = {name: tf.constant(value, "float32") for name, value in arguments.items()}
    with tf.GradientTape() as tape:
        tape.watch(list(tensors.values()))
        loss = losses.ressl(**tensors)
    gradients = dict(zip(tensors, tape.gradient(loss, list(tensors.values())), strict=True))
    assert np.abs(gradients["student"]).max() > 0
    assert gradients["teacher"] is gradients["queue"] is None


def test_two_replicas_average_to_the_whole_batch(arguments):
    student, teacher, queue = arguments["student"][:4], arguments["teacher"][:4], arguments["queue"]
    parts = [losses.ressl(student[i : i + 2], teacher[i : i + 2], queue) for i in (0, 2)]
    assert np.mean(parts) == pytest.approx(float(losses.ressl(student, teacher, queue)), rel=1e-6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"student_temperature": 0.0}, "`student_temperature` must be positive. Received: student_temperature=0.0"),
        ({"teacher_temperature": -1.0}, "`teacher_temperature` must be positive. Received: teacher_temperature=-1.0"),
        ({"teacher": np.ones((4, 4))}, r"must both have the shape.*teacher.shape=\(4, 4\)"),
        ({"queue": np.ones((9, 3))}, r"`queue` must have the shape \(size, 4\). Received: queue.shape=\(9, 3\)"),
    ],
)
def test_refuses(arguments, changed, message):
    with pytest.raises(ValueError, match=message):
        losses.ressl(**{**arguments, **changed})
