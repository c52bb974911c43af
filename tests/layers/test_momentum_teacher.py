import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.layers import MomentumTeacher, ProjectionHead


def make_student(width=3):
    inputs = keras.Input((4,))
    x = keras.layers.Dense(5)(inputs)
    x = keras.layers.BatchNormalization(momentum=0.5)(x)
    x = keras.layers.Dropout(0.5)(x)
    return keras.Model(inputs, keras.layers.Dense(width)(x))


def randomize(model, rng):
    for variable in model.variables:
        if "float" in variable.dtype:
            variable.assign(rng.uniform(0.5, 1.5, size=variable.shape))


def values(layer):
    return {variable.path: variable.numpy() for variable in layer.variables}


def floats(layer):
    """All but the seeds of dropout, which a copy or a load makes anew."""
    return [variable.numpy() for variable in layer.variables if "float" in variable.dtype]


def is_averaged(path):
    return not any(name in path for name in ("moving_", "seed_generator"))


@pytest.fixture
def x(rng):
    return rng.normal(size=(8, 4)).astype("float32")


@pytest.fixture
def student(rng):
    model = make_student()
    randomize(model, rng)
    return model


@keras.saving.register_keras_serializable("keras_ssl_tests")
class StudentAndTeacher(keras.Model):
    """What an objective is: a student that is trained and its teacher."""

    def __init__(self, student, **kwargs):
        super().__init__(**kwargs)
        self.student = student
        self.teacher = MomentumTeacher(student)
        self.built = True

    def call(self, x, training=False):
        return self.student(x, training=training) - self.teacher(x, training=training)

    def get_config(self):
        return {**super().get_config(), "student": keras.saving.serialize_keras_object(self.student)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("student")), **config)


@pytest.mark.parametrize(
    "make",
    [
        make_student,
        lambda: keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]),
        lambda: ProjectionHead(4, (5, 3)),
    ],
)
def test_starts_equal_to_its_student_and_apart_from_it(make, x, rng):
    student = make()
    randomize(student, rng)
    teacher = MomentumTeacher(student)
    assert len(teacher.variables) == len(student.variables)
    assert not {id(v) for v in teacher.variables} & {id(v) for v in student.variables}
    np.testing.assert_array_equal(teacher(x), student(x))
    before = teacher(x).numpy()
    randomize(student, rng)
    np.testing.assert_array_equal(teacher(x), before)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.996, 1.0])
@pytest.mark.parametrize("graph", [False, True])
def test_follow_is_the_moving_average_of_weights_and_not_of_statistics(student, rng, momentum, graph):
    teacher = MomentumTeacher(student)
    old = [v.numpy() for v in teacher.variables]
    follow = tf.function(teacher.follow) if graph else teacher.follow
    expected = [value.astype("float64") for value in old]
    for _ in range(3):
        randomize(student, rng)
        follow(student, tf.constant(momentum), tf.constant(True))
        for i, variable in enumerate(student.variables):
            if is_averaged(variable.path):
                expected[i] = momentum * expected[i] + (1 - momentum) * variable.numpy()
    for found, wanted in zip(teacher.variables, expected, strict=True):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5)
    statistics = [v.path for v in student.variables if not is_averaged(v.path)]
    assert len(statistics) == 3  # moving mean and variance, and the seed of dropout


@pytest.mark.parametrize("stepped", [False, tf.constant(False)], ids=["bool", "tensor"])
def test_stands_still_where_the_student_did_not_step(student, rng, stepped):
    teacher = MomentumTeacher(student)
    old = values(teacher)
    randomize(student, rng)
    teacher.follow(student, 0.5, stepped)
    for path, value in values(teacher).items():
        np.testing.assert_array_equal(value, old[path])


def test_equal_weights_stay_equal_to_the_bit(student):
    teacher = MomentumTeacher(student)
    for _ in range(5):
        teacher.follow(student, 0.7)
    for mine, theirs in zip(floats(teacher), floats(student), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_no_gradient_passes(student, x):
    teacher = MomentumTeacher(student)
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch([inputs, *(v.value for v in teacher.variables if "float" in v.dtype)])
        loss = tf.reduce_sum(teacher(inputs, training=True))
    watched = [inputs, *(v.value for v in teacher.variables if "float" in v.dtype)]
    assert tape.gradient(loss, watched) == [None] * len(watched)


def test_no_gradient_passes_through_any_output():
    inputs = keras.Input((4,))
    student = keras.Model(inputs, {"a": keras.layers.Dense(2)(inputs), "b": keras.layers.Dense(3)(inputs)})
    teacher, x = MomentumTeacher(student), tf.ones((2, 4))
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = teacher(x)
        loss = tf.reduce_sum(outputs["a"]) + tf.reduce_sum(outputs["b"])
    assert tape.gradient(loss, x) is None


def test_variables_are_frozen_and_layers_are_not(student):
    teacher = MomentumTeacher(student)
    assert teacher.trainable_variables == []
    assert not any(variable.trainable for variable in teacher.variables)
    assert teacher.trainable
    assert all(layer.trainable for layer in teacher.copy.layers)
    assert all(variable.trainable for variable in student.trainable_variables)
    assert student.trainable_variables


def test_in_training_it_uses_batch_statistics_and_updates_its_own(student, x):
    teacher = MomentumTeacher(student)
    (norm,) = [layer for layer in teacher.copy.layers if isinstance(layer, keras.layers.BatchNormalization)]
    dense = teacher.copy.layers[1]
    hidden = x @ dense.kernel.numpy() + dense.bias.numpy()
    mean, theirs = norm.moving_mean.numpy(), values(student)
    normalized = keras.Model(teacher.copy.input, norm.output)(x, training=True).numpy()
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.5 * mean + 0.5 * hidden.mean(0), rtol=1e-5)
    expected = (hidden - hidden.mean(0)) / np.sqrt(hidden.var(0) + norm.epsilon)
    np.testing.assert_allclose(normalized, expected * norm.gamma.numpy() + norm.beta.numpy(), rtol=1e-4, atol=1e-4)
    before = norm.moving_mean.numpy()
    teacher(x, training=True)
    assert not np.array_equal(norm.moving_mean.numpy(), before)
    teacher(x)
    after = norm.moving_mean.numpy()
    teacher(x, training=False)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), after)
    for path, value in values(student).items():
        np.testing.assert_array_equal(value, theirs[path])


def test_toggling_trainable_on_a_parent_changes_nothing(student, x):
    parent = StudentAndTeacher(student)
    trainable = [id(v) for v in parent.trainable_variables]
    for value in (False, True):
        parent.trainable = value
        assert parent.teacher.trainable
        assert all(layer.trainable for layer in parent.teacher.copy.layers)
        assert not any(variable.trainable for variable in parent.teacher.variables)
    assert [id(v) for v in parent.trainable_variables] == trainable
    parent.teacher.trainable = False
    norm = next(layer for layer in parent.teacher.copy.layers if isinstance(layer, keras.layers.BatchNormalization))
    before = norm.moving_mean.numpy()
    parent.teacher(x, training=True)
    assert not np.array_equal(norm.moving_mean.numpy(), before)


def test_the_optimizer_of_a_parent_holds_no_slot_for_it(student, x):
    parent = StudentAndTeacher(student)
    parent.compile(keras.optimizers.AdamW(0.1), "mse")
    teacher = [v.numpy() for v in parent.teacher.variables if is_averaged(v.path)]
    parent.fit(x, np.zeros((8, 3)), verbose=0)
    assert len(parent.optimizer.variables) == 2 + 2 * len(student.trainable_variables)
    for before, variable in zip(teacher, [v for v in parent.teacher.variables if is_averaged(v.path)], strict=True):
        np.testing.assert_array_equal(variable.numpy(), before)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_half_precision(policy, x, rng):
    keras.config.set_dtype_policy(policy)
    student = make_student()
    teacher = MomentumTeacher(student)
    np.testing.assert_array_equal(teacher(x), student(x))
    assert teacher(x).dtype == student(x).dtype == student.compute_dtype
    before = [v.numpy() for v in teacher.variables]
    randomize(student, rng)
    teacher.follow(student, 0.9)
    for old, mine, theirs in zip(before, teacher.variables, student.variables, strict=True):
        if is_averaged(mine.path):
            tolerance = 2e-2 if policy == "float16" else 1e-5
            expected = 0.9 * old.astype("float64") + 0.1 * theirs.numpy().astype("float64")
            np.testing.assert_allclose(mine.numpy(), expected, rtol=tolerance, atol=tolerance / 10)


def test_refuses_a_student_that_is_not_built():
    with pytest.raises(ValueError, match=r"`student` must be built: call it once.*Received: student=<Sequential"):
        MomentumTeacher(keras.Sequential([keras.layers.Dense(3)]))


def test_round_trips_alone(student, x, tmp_path):
    model = keras.Sequential([keras.Input((4,)), MomentumTeacher(student, name="slow")])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), student(x))
    assert loaded.layers[0].name == "slow"
    assert loaded.trainable_variables == []


def test_a_parent_is_saved_with_both(student, x, rng, tmp_path):
    parent = StudentAndTeacher(student)
    randomize(student, rng)
    parent.compile(keras.optimizers.Adam(0.1), "mse")
    parent.fit(x, np.zeros((8, 3)), verbose=0)
    parent.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name in ("student", "teacher"):
        for a, b in zip(floats(getattr(parent, name)), floats(getattr(loaded, name)), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.allclose(loaded.student(x), loaded.teacher(x))
    assert [v.path for v in loaded.trainable_variables] == [v.path for v in loaded.student.trainable_variables]
    for one in (parent, loaded):
        one.teacher.follow(one.student, 0.5)
    np.testing.assert_array_equal(loaded.teacher(x), parent.teacher(x))
