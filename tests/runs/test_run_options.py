import dataclasses
import json

import pytest

from keras_ssl.runs import RunFolder, RunOptions


def saved(options):
    return json.loads(json.dumps(dataclasses.asdict(options)))


def test_what_is_given_replaces_the_recipes(recipe):
    options = RunOptions.new(recipe, epochs=7, seed=None)
    assert (options.epochs, options.seed, options.batch_size) == (7, recipe.seed, recipe.batch_size)


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("batch_size", -1), ("seed", -1), ("epochs", 1.5)])
def test_numbers_out_of_range(recipe, name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*Received: {name}={value}"):
        RunOptions.new(recipe, **{name: value})


@pytest.mark.parametrize("policy", ["mixed_float8", "int8", ""])
def test_a_policy_to_train_under_is_one_of_three(recipe, policy):
    with pytest.raises(ValueError, match=f"one of float32, .*Received: mixed_precision='{policy}'"):
        RunOptions.new(recipe, mixed_precision=policy)


def test_resuming_keeps_everything_but_epochs(recipe):
    before = RunOptions.new(recipe, batch_size=16, image_size=(8, 8))
    after = RunOptions.resumed(saved(before), recipe, epochs=9, image_size=(8, 8))
    assert after == dataclasses.replace(before, epochs=9)


def test_resuming_refuses_another_option(recipe):
    with pytest.raises(ValueError, match=r"`batch_size` cannot change .* it was 32. Received: batch_size=64"):
        RunOptions.resumed(saved(RunOptions.new(recipe)), recipe, batch_size=64)


def test_resuming_refuses_another_recipe(recipe):
    other = dataclasses.replace(recipe, name="other")
    with pytest.raises(ValueError, match=r"this run is of tiny_denoising\. Received: recipe='other'"):
        RunOptions.resumed(saved(RunOptions.new(recipe)), other)


def test_a_path_holds_in_another_folder_too(recipe, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = RunOptions.new(recipe, data="pictures.npz")
    assert before.data == pictures
    assert RunOptions.resumed(saved(before), recipe, data="pictures.npz") == before


def test_a_named_set_is_no_path(recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion_mnist").mkdir()
    assert RunOptions.new(recipe, data="fashion_mnist").data == "fashion_mnist"


def test_other_data_are_brought_to_the_size_that_was_learned(recipe, tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    options = RunOptions.new(recipe, data="fashion_mnist_sample")
    folder.update_config(options=dataclasses.asdict(options), data={"image_shape": [28, 28, 1]})
    assert RunOptions.of(folder) == options
    assert RunOptions.of(folder, "cifar10") == dataclasses.replace(options, data="cifar10", image_size=(28, 28))
