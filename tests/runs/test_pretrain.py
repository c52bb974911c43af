import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import data, layers, runs


@pytest.fixture
def train(recipe, pictures, tmp_path):
    """Runs the tiny recipe into a folder of that name."""

    def run(name, recipe=recipe, **given):
        options = runs.RunOptions.new(recipe, **({"data": pictures} | given))
        folder = runs.RunFolder(tmp_path / name)
        model = runs.pretrain(recipe, options, folder if folder.holds_run() else runs.RunFolder.create(folder.path))
        return folder, model

    return run


def with_build(recipe, build):
    return dataclasses.replace(recipe, build=build)


def test_leaves_everything(train):
    folder, model = train("run")
    history, config = folder.read_history(), folder.read_config()
    assert [row["epoch"] for row in history] == [1, 2]
    assert all({"loss", "embedding_std", "knn", "rankme", "seconds"} <= set(row) for row in history)
    assert history[1]["loss"] < history[0]["loss"]
    assert history[1]["knn"] > 0.9  # chance is a third
    assert config["state"] == "trained"
    assert config["objective"] == "Denoising"
    assert config["z_dim"] == 6
    assert config["options"]["epochs"] == 2
    assert config["data"] == {"name": "pictures", "pictures": 96, "image_shape": [8, 8, 1], "classes": None}
    for mine, saved in zip(model.encoder.weights, folder.load_encoder().weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), saved.numpy())


def test_scalars_for_tensorboard(train):
    folder, _ = train("run")
    (events,) = folder.tensorboard_path.glob("events.*")
    losses = [
        (event.step, float(tf.make_ndarray(value.tensor)))
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
        if value.tag == "loss"
    ]
    assert losses == [(row["epoch"], pytest.approx(row["loss"])) for row in folder.read_history()]


def test_going_on_equals_never_having_stopped(train):
    at_once, whole = train("at_once", epochs=4)
    train("in_parts", epochs=2)
    in_parts, parts = train("in_parts", epochs=4)
    for mine, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    losses = [[row["loss"] for row in folder.read_history()] for folder in (at_once, in_parts)]
    assert losses[0] == losses[1]
    assert [row["epoch"] for row in in_parts.read_history()] == [1, 2, 3, 4]


def test_a_crash_between_history_and_checkpoint_repeats_that_epoch(train):
    folder, _ = train("run", epochs=2)
    folder.write_history([*folder.read_history(), {"epoch": 3, "loss": 123.0}])
    train("run", epochs=3)
    assert [row["epoch"] for row in folder.read_history()] == [1, 2, 3]
    assert folder.read_history()[2]["loss"] != 123.0


def test_a_run_that_is_done_stays_as_it_is(train):
    folder, _ = train("run", epochs=2)
    before = folder.model_path.read_bytes()
    train("run", epochs=2)
    assert folder.model_path.read_bytes() == before


def test_a_loss_that_is_not_finite(train, recipe, tmp_path):
    def build(data, seed):
        model = recipe.build(data, seed)
        sound = model.objective
        # Three batches an epoch: the fifth is in the second.
        model.objective = lambda outputs: {
            "distance": ops.where(model.clock.batches_seen >= 4, np.nan, sound(outputs)["distance"])
        }
        return model

    with pytest.raises(FloatingPointError, match=r"last good ones.*saved in .*run"):
        train("run", with_build(recipe, build), epochs=5)
    folder = runs.RunFolder.open(tmp_path / "run")
    assert "non-finite" in folder.read_config()["state"]
    assert len(folder.read_history()) == 2
    start = recipe.build(data.load(np.zeros((1, 8, 8, 1), "uint8")), 0).encoder.get_weights()
    for model in (folder.load_encoder(), keras.models.load_model(folder.model_path).encoder):
        assert all(np.isfinite(weight).all() for weight in model.get_weights())
        assert not np.array_equal(model.get_weights()[0], start[0])


def test_the_encoder_of_the_best_epoch_is_kept(train, recipe):
    def build(data, seed):
        model = recipe.build(data, seed)
        # It gets worse and worse.
        model.objective = lambda outputs: {
            "distance": ops.mean(outputs["z"]) * 0.0 + ops.cast(model.clock.batches_seen, "float32")
        }
        model.compile(keras.optimizers.SGD(0.1, weight_decay=0.5))
        return model

    folder, model = train("run", with_build(recipe, build), epochs=9, early_stopping="loss:2")
    assert [row["epoch"] for row in folder.read_history()] == [1, 2, 3]
    first = train("first", with_build(recipe, build), epochs=1)[0].load_encoder().get_weights()[0]
    np.testing.assert_array_equal(folder.load_encoder().get_weights()[0], first)
    np.testing.assert_array_equal(model.encoder.get_weights()[0], first)
    # What a longer training goes on from is the last epoch.
    assert folder.read_history()[-1]["epoch"] == 3
    assert [path.name for path in sorted(folder.checkpoints_path.iterdir())][-1] == "batch-000000000009.npz"


def test_an_unknown_metric_stops_before_training(train, tmp_path):
    with pytest.raises(ValueError, match="this run logs: embedding_std, knn, loss, rankme"):
        train("run", early_stopping="kmm:2")
    assert not list((tmp_path / "run").iterdir())


def test_a_batch_beyond_the_data_leaves_nothing(train, tmp_path):
    with pytest.raises(ValueError, match="`batch_size`"):
        train("run", batch_size=97)
    assert not list((tmp_path / "run").iterdir())


def test_starts_from_another_run_with_its_teacher_too(train, recipe):
    other, _ = train("other", epochs=1)

    def build(data, seed):
        model = recipe.build(data, seed)
        model.teacher = layers.MomentumTeacher(model.encoder)
        model.compile(keras.optimizers.SGD(0.0))
        return model

    _, model = train("mine", with_build(recipe, build), epochs=1, seed=5, init_from=str(other.path))
    wanted = other.load_encoder().get_weights()
    for start in (model.encoder, model.teacher.copy):
        np.testing.assert_array_equal(start.get_weights()[0], wanted[0])


def test_another_architecture_cannot_be_started_from(train, recipe, tmp_path):
    other, _ = train("other", epochs=1)

    def build(data, seed):
        return type(recipe.build(data, seed))(
            keras.Sequential([keras.Input(data.image_shape), keras.layers.Flatten(), keras.layers.Dense(5)])
        )

    with pytest.raises(ValueError, match=r"`init_from` must name a run .*\(325 parameters\).*other \(390 parameters\)"):
        train("mine", with_build(recipe, build), init_from=str(other.path))
    assert not list((tmp_path / "mine").iterdir())


def test_without_labels_and_test_pictures_it_trains_all_the_same(train, unlabelled):
    with pytest.warns(UserWarning, match="no test pictures"):
        folder, _ = train("run", data=unlabelled)
    assert [sorted(row) for row in folder.read_history()] == [["embedding_std", "epoch", "loss", "seconds"]] * 2


def test_a_policy_holds_for_the_model_alone(train):
    _, model = train("run", mixed_precision="mixed_bfloat16", epochs=1)
    assert model.encoder.layers[-1].compute_dtype == "bfloat16"
    assert keras.config.dtype_policy().name == "float32"


def test_the_seed_makes_the_weights(train):
    first, again, other = (train(name, epochs=1, seed=seed)[1] for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    kernels = [model.encoder.get_weights()[0] for model in (first, again, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])
