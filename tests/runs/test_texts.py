"""Runs on texts, from a file to an export."""

import csv
import dataclasses
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ssl import objectives, recipes, runs, serving

ANIMALS, THINGS = ("cat", "dog", "bird", "fish"), ("table", "chair", "lamp", "door")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def text_recipe(recipe):  # which shows the zoo of the tests
    return recipes.get("tiny_masked_lm")


@pytest.fixture
def labelled(tmp_path, rng):
    path = tmp_path / "texts.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for row in range(240):
            words = (ANIMALS, THINGS)[row % 2]
            verb = ("sees", "hears")[row % 2]
            rows.writerow([f"the {rng.choice(words)} {verb} a {rng.choice(words)} number {row}", row % 2])
    return str(path)


@pytest.fixture
def trained(text_recipe, labelled, tmp_path):
    def train(name="run", **given):
        folder = runs.RunFolder.create(tmp_path / name)
        options = runs.RunOptions.new(text_recipe, **({"data": labelled} | given))
        return folder, runs.pretrain(text_recipe, options, folder)

    return train


def test_leaves_everything(trained):
    folder, model = trained()
    history, config = folder.read_history(), folder.read_config()
    assert all({"loss", "accuracy", "perplexity", "knn", "rankme"} <= set(row) for row in history)
    assert config["kind"] == "texts"
    assert 180 < config["data"]["texts"] < 220  # one of six is held out
    tokenizer = folder.load_tokenizer()
    assert tokenizer.get_vocabulary() == model.tokenizer.get_vocabulary()
    for mine, saved in zip(model.encoder.weights, folder.load_encoder().weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), saved.numpy())


def test_judged_shown_embedded_exported_and_verified(trained, labelled, tmp_path, monkeypatch):
    folder, model = trained()
    scores = runs.evaluate(folder)
    assert folder.read_metrics() == json.loads(json.dumps(scores))
    assert {"random", "tfidf", "majority"} <= set(scores["baselines"])
    assert scores["baselines"]["tfidf"]["linear"] == 1.0

    runs.report(folder)
    assert Image.open(folder.report_path).size == (1800, 1344)
    assert "number" in (folder.tensorboard_path / "metadata.tsv").read_text()

    monkeypatch.setattr(importlib.import_module("keras_ssl.runs.embed"), "ROWS_AT_A_TIME", 100)
    told = []
    embeddings, labels = runs.embed(folder, labelled, progress=told.append)
    assert told == [f"embeddings: {done} of 240 texts" for done in (0, 100, 200)]
    assert embeddings.shape == (240, 8)
    assert labels.tolist() == [row % 2 for row in range(240)]
    with open(labelled, newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    np.testing.assert_allclose(embeddings, model.embed(texts), atol=1e-5)

    exported = runs.export(folder, tmp_path / "served", max_length=16)
    result = serving.verify(exported["path"])
    assert set(result["signatures"]) == {"ids/serving_default", "strings/serving_default"}


def test_starts_from_a_run(trained, tmp_path):
    folder, first = trained(epochs=1)
    _, second = trained("second", init_from=str(folder.path), epochs=1)
    assert second.tokenizer.get_vocabulary() == first.tokenizer.get_vocabulary()
    assert type(second.optimizer).__name__ != "SGD"  # that is for presets
    moved = max(
        np.abs(a - b).max() for a, b in zip(first.encoder.get_weights(), second.encoder.get_weights(), strict=True)
    )
    assert 0 < moved < 0.2
    with pytest.raises(ValueError, match="`init_from` must be the folder of a run, or of a preset .*safetensors"):
        trained("third", init_from=str(tmp_path))


@pytest.mark.gate
def test_other_texts_are_not_gone_on_with(text_recipe, trained, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"the cat sees a dog number {row}\n" for row in range(120)))
    first, _ = trained(epochs=1)
    folder, _ = trained("second", data=str(path), init_from=str(first.path), epochs=1)
    path.write_text("".join(f"the cat hears a dog number {row}\n" for row in range(120)))
    options = runs.RunOptions.new(text_recipe, data=str(path), init_from=str(first.path), epochs=2)
    with pytest.raises(ValueError, match="`data` must be what the run began with, and its texts are others"):
        runs.pretrain(text_recipe, options, folder)


def test_long_texts_are_cut_where_training_cut_them(trained, tmp_path):
    folder, model = trained(epochs=1)
    length = folder.max_length()
    assert length == folder.read_config()["max_length"] < 128
    path = tmp_path / "long.txt"
    path.write_text("the cat sees a bird " * 60 + "\n" + "the cat " * 3)
    embeddings, _ = runs.embed(folder, str(path), "all")
    ids = model.ids_of(["the cat sees a bird " * 60], length)
    np.testing.assert_allclose(embeddings[0], np.asarray(model(ids))[0], atol=1e-5)


@pytest.mark.gate
def test_starts_from_a_preset(trained, tmp_path):
    _, first = trained(epochs=1)
    preset = tmp_path / "preset"
    first.backbone.save_to_preset(str(preset))
    first.tokenizer.save_to_preset(str(preset))
    folder, second = trained("second", init_from=str(preset), epochs=1)
    _, third = trained("third", init_from=str(folder.path), epochs=1)
    assert [type(one.optimizer).__name__ for one in (second, third)] == ["SGD", "SGD"]  # of the pretrained
    assert second.tokenizer.get_vocabulary() == first.tokenizer.get_vocabulary()
    moved = max(
        np.abs(a - b).max() for a, b in zip(first.encoder.get_weights(), second.encoder.get_weights(), strict=True)
    )
    assert 0 < moved < 0.2
    assert folder.load_tokenizer().get_vocabulary() == first.tokenizer.get_vocabulary()


@pytest.mark.gate
def test_what_is_new_is_adapted_to_the_data(text_recipe, labelled, tmp_path):
    adapted = []

    def build(backbone, tokenizer, seed, pretrained):
        model = text_recipe.build(backbone, tokenizer, seed, pretrained)
        model.adapt = lambda data: adapted.append(len(data))
        return model

    def adaptations(name, **given):
        adapted.clear()
        folder = runs.RunFolder.open(tmp_path / name) if given.get("epochs") else runs.RunFolder.create(tmp_path / name)
        options = runs.RunOptions.new(recipe, **({"data": labelled, "epochs": 1} | given))
        model = runs.pretrain(recipe, options, folder)
        return model, list(adapted)

    recipe = dataclasses.replace(text_recipe, build=build)
    model, found = adaptations("first")
    rows = runs.RunFolder.open(tmp_path / "first").read_config()["data"]["texts"]
    assert found == [rows]
    assert adaptations("first", epochs=2)[1] == []  # goes on from a checkpoint
    assert adaptations("second", init_from=str(tmp_path / "first"))[1] == [rows]
    model.backbone.save_to_preset(str(tmp_path / "preset"))
    model.tokenizer.save_to_preset(str(tmp_path / "preset"))
    assert adaptations("third", init_from=str(tmp_path / "preset"))[1] == []
    assert adaptations("fourth", init_from=str(tmp_path / "third"))[1] == []


@pytest.mark.gate
def test_texts_without_labels_are_not_judged(trained, tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"a line with number {row}\n" for row in range(120)))
    folder, _ = trained(data=str(path))
    assert not folder.read_config()["judged"]
    with pytest.raises(ValueError, match="`data` must have labels or be pairs"):
        runs.evaluate(folder)
    runs.report(folder)


@pytest.mark.gate
def test_learns_from_pairs(text_recipe, tmp_path):
    def build(backbone, tokenizer, seed, pretrained):
        model = objectives.SimCSE(backbone, tokenizer, pooling="avg", seed=seed)
        model.compile("adam")
        return model

    path = tmp_path / "pairs.tsv"
    path.write_text("first\tsecond\n" + "".join(f"number {row} asks\t{row} answers\n" for row in range(90)))
    recipe = dataclasses.replace(text_recipe, objective="SimCSE", build=build, batch_size=8)
    folder = runs.RunFolder.create(tmp_path / "run")
    runs.pretrain(recipe, runs.RunOptions.new(recipe, data=str(path), epochs=1), folder)
    assert folder.read_config()["judged"]
    assert {"recall@1", "mrr"} <= set(runs.evaluate(folder))
    runs.report(folder)
    runs.export(folder, tmp_path / "served", max_length=16)
    other = runs.RunFolder.create(tmp_path / "other")
    with pytest.raises(ValueError, match="`data` must be texts for MaskedLM.*Received: data='.*pairs.tsv'"):
        runs.pretrain(text_recipe, runs.RunOptions.new(text_recipe, data=str(path)), other)


def test_other_texts_cannot_go_on_with_a_run(text_recipe, trained, labelled):
    folder, _ = trained(epochs=1)
    path = Path(labelled)
    path.write_text(path.read_text().replace("the", "a bubble"))  # as many texts
    options = runs.RunOptions.resumed(folder.read_config()["options"], text_recipe, epochs=2)
    with pytest.raises(ValueError, match="`data` must be what the run began with.*Received: data='.*texts.csv'"):
        runs.pretrain(text_recipe, options, folder)
    assert len(folder.read_history()) == 1


def test_a_size_of_pictures_is_refused(trained):
    with pytest.raises(ValueError, match=r"`image_size` is for runs on pictures. Received: image_size=\(8, 8\)"):
        trained(image_size=(8, 8))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "onnx"}, "`format` must be savedmodel for a run on texts"),
        ({"layer": "x"}, "`layer` is for runs on pictures. Received: layer='x'"),
    ],
)
def test_refuses_to_export(trained, tmp_path, options, message):
    folder, _ = trained(epochs=1)
    with pytest.raises(ValueError, match=message):
        runs.export(folder, tmp_path / "served", **options)


@pytest.mark.gate
def test_it_is_exported_for_the_length_of_the_run(text_recipe, labelled, tmp_path):
    import keras_hub

    def build(backbone, tokenizer, seed, pretrained):
        model = objectives.PermutationLM(backbone, tokenizer, seed=seed)
        model.compile()
        return model

    def xlnet(tokenizer):
        return keras_hub.models.XLNetBackbone(tokenizer.vocabulary_size(), 1, 2, 8, 16)

    recipe = dataclasses.replace(text_recipe, objective="PermutationLM", backbone=xlnet, build=build)
    folder = runs.RunFolder.create(tmp_path / "run")
    model = runs.pretrain(recipe, runs.RunOptions.new(recipe, data=labelled, epochs=1), folder)
    longest = folder.read_config()["max_length"]
    runs.export(folder, tmp_path / "served")
    strings = tf.saved_model.load(str(tmp_path / "served/strings/1")).signatures["serving_default"]
    long = "the cat " * longest
    (found,) = strings(texts=tf.constant([long])).values()
    kept = model.ids_of([long], length=longest)
    np.testing.assert_allclose(found, model.encoder(model.inputs_of(kept)), rtol=1e-4, atol=1e-5)


def test_refuses_a_start_that_is_not_there(trained):
    with pytest.raises(ValueError, match="`init_from` must be the folder of a run or of a preset"):
        trained(init_from="nowhere")
