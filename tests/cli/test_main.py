import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from keras_ssl import recipes, runs
from keras_ssl.cli.main import app


@pytest.fixture
def cli(recipe, tmp_path, monkeypatch):
    """Calls the command line in an empty folder, with the tiny recipe among the others."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def trained(cli, pictures):
    """Folder of a run of one epoch."""
    result = cli("pretrain", "tiny_denoising", "--data", pictures, "--epochs", 1, "--output", "run", "--no-evaluate")
    assert result.exit_code == 0, result.output
    return Path("run")


def error_of(result):
    """The one line that a user sees."""
    assert result.exit_code == 1, result.output
    (line,) = (line for line in result.stderr.splitlines() if line.startswith("Error:"))
    assert "Traceback" not in result.output
    return line


def test_help_names_every_command(cli):
    text = cli("--help").stdout
    assert all(name in text for name in ("list", "pretrain", "evaluate", "embed", "export", "verify", "quickstart"))


def test_version(cli):
    from keras_ssl import __version__

    assert cli("--version").stdout.strip() == __version__


def test_list_shows_recipes_with_objective_scores_and_data(cli):
    text = cli("list").stdout
    (line,) = (line for line in text.splitlines() if "tiny_denoising" in line)
    assert line.split() == ["tiny_denoising", "Denoising", "2", "0.500", "-", "-"]
    assert "inside this package" in text


@pytest.fixture
def listed(recipe, monkeypatch):
    """Three recipes: one measured, one of the same data that is not, one that was never run."""
    made = {
        "measured": {"data": "small [one]", "scores": {"knn": 0.25, "linear": 0.75, "seconds": 61.4}},
        "fresh": {"data": "small [one]", "scores": {}},
        "demanding": {"data": "large/160px", "scores": {}, "tested": False},
    }
    made = {name: dataclasses.replace(recipe, name=name, **fields) for name, fields in made.items()}
    monkeypatch.setattr(recipes, "names", lambda: sorted(made))
    monkeypatch.setattr(recipes, "get", made.get)


def test_list_puts_recipes_together_by_data_those_never_run_last(cli, listed):
    lines = [" ".join(line.split()) for line in cli("list").stdout.splitlines()]
    first = lines.index("small [one]")
    assert [line for line in lines[first:] if line][:5] == [
        "small [one]",
        "fresh Denoising 2 - - -",
        "measured Denoising 2 0.250 0.750 61",
        "large/160px *",
        "demanding Denoising 2 - - -",
    ]
    assert "* not run here: too large for the machine that measured the others" in lines


def test_list_for_some_data(cli, listed):
    text = cli("list", "--data", "small [one]").stdout
    assert "fresh" in text
    assert not any(word in text for word in ("demanding", "not run here", "large"))
    found = json.loads(cli("list", "--data", "large/160px", "--json").stdout)["recipes"]
    assert [(one["name"], one["tested"], one["objective"]) for one in found] == [("demanding", False, "Denoising")]
    line = error_of(cli("list", "--data", "larg"))
    assert line == "Error: `data` must be one that a recipe is for: large/160px, small [one]. Received: data='larg'"


def test_names_are_whole_in_a_narrow_terminal(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = cli("list").stdout
    assert all(f" {name} " in text for name in recipes.names())


def test_recipes_on_texts_have_a_table_with_scores_of_their_own(cli):
    pictures, texts = cli("list").stdout.split("epochs")[1:]
    assert pictures.split()[:3] == ["kNN", "linear", "seconds"]
    assert texts.split()[:3] == ["ridge", "recall@10", "seconds"]
    assert ("simclr_fashion_mnist" in pictures, "simclr_fashion_mnist" in texts) == (True, False)
    assert ("masked_lm_wordnet" in pictures, "masked_lm_wordnet" in texts) == (False, True)
    lines = [line.split() for line in texts.splitlines()]
    assert [line[1:3] for line in lines if line[:1] == ["sim_cse_wordnet"]] == [["SimCSE", "+"]]
    names = (f"{name}_wordnet" for name in ("replaced_token_detection", "sim_cse", "tsdae", "word_order"))
    note = f"+ begin from a run of masked_lm_wordnet, by --init-from: {', '.join(('bert_pretraining_brown', *names))}"
    assert note in " ".join(texts.split())


def test_list_as_json(cli):
    listed = json.loads(cli("list", "--json").stdout)
    (found,) = (one for one in listed["recipes"] if one["name"] == "tiny_denoising")
    fields = {"name", "objective", "summary", "paper", "data", "epochs", "batch_size", "scores", "tested", "after"}
    assert set(found) == fields
    after = {one["name"]: one["after"] for one in listed["recipes"] if one["after"]}
    others = ("replaced_token_detection_wordnet", "sim_cse_wordnet", "tsdae_wordnet", "word_order_wordnet")
    assert after == dict.fromkeys(("bert_pretraining_brown", *others), "masked_lm_wordnet")
    assert found["scores"] == {"knn": 0.5}
    assert "fashion_mnist" in listed["data"]


def test_pretrain_judges_and_shows(cli, pictures):
    result = cli("pretrain", "tiny_denoising", "--data", pictures)
    assert result.exit_code == 0, result.output
    run = Path("runs/tiny_denoising-1")
    files = {"config.json", "model.keras", "encoder.keras", "history.csv", "metrics.json", "report.png"}
    files |= {"checkpoints", "tensorboard"}
    assert {path.name for path in run.iterdir()} == files
    assert result.stderr.count("images/s") == 2
    assert "0:00 left" in result.stderr
    assert all(text in result.stdout for text in ("raw pixels", "random encoder", "trained encoder", str(run)))


def test_pretrain_on_texts_without_labels_shows_what_it_can(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Path("lines.txt").write_text("".join(f"a line with number {row}\n" for row in range(120)))
    result = cli("pretrain", "tiny_masked_lm", "--data", "lines.txt", "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert "rows/s" in result.stderr
    run = Path("runs/tiny_masked_lm-1")
    assert (run / "report.png").is_file()
    assert not (run / "metrics.json").exists()


def test_each_run_has_its_own_folder(cli, pictures):
    for _ in range(2):
        cli("pretrain", "tiny_denoising", "--data", pictures, "--epochs", 1, "--no-evaluate")
    assert sorted(path.name for path in Path("runs").iterdir()) == ["tiny_denoising-1", "tiny_denoising-2"]


def test_options_reach_the_run(cli, pictures):
    words = ("--epochs", 4, "--batch-size", 16, "--seed", 5, "--early-stopping", "knn:1", "--no-evaluate")
    cli("pretrain", "tiny_denoising", "--data", pictures, "--mixed-precision", "mixed_bfloat16", *words)
    options = runs.RunFolder("runs/tiny_denoising-1").read_config()["options"]
    wanted = {"epochs": 4, "batch_size": 16, "seed": 5, "early_stopping": "knn:1", "mixed_precision": "mixed_bfloat16"}
    assert wanted.items() <= options.items()


def test_an_unknown_recipe(cli):
    result = cli("pretrain", "tiny_denoise")
    assert "nearest: tiny_denoising" in error_of(result)
    assert len(result.output.splitlines()) == 1
    assert not Path("runs").exists()


def test_unknown_data_leave_no_folder(cli):
    assert "does not exist" in error_of(cli("pretrain", "tiny_denoising", "--data", "./nowhere"))
    assert not Path("runs/tiny_denoising-1").exists()


def test_an_empty_folder(cli):
    Path("empty").mkdir()
    assert "must hold pictures" in error_of(cli("pretrain", "tiny_denoising", "--data", "empty"))
    assert not Path("runs/tiny_denoising-1").exists()


def test_a_policy_that_is_none(cli):
    line = error_of(cli("pretrain", "tiny_denoising", "--mixed-precision", "mixed_float8"))
    assert "one of float32, mixed_bfloat16, mixed_float16" in line


def test_a_folder_of_pictures_of_many_sizes(cli, rng):
    for row in range(160):
        side = row % 2
        kind = Path("photos", ("left", "right")[side])
        kind.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 60, (9 + row % 4, 12, 3), "uint8")
        pixels[:, 6 * side : 6 * side + 6] += 150
        Image.fromarray(pixels).save(kind / f"{row}.png")
    words = ("pretrain", "tiny_denoising", "--data", "photos", "--epochs", 1, "--output", "run", "--no-evaluate")
    assert "`image_size` must be" in error_of(cli(*words))
    result = cli(*words, "--image-size", 10)
    assert result.exit_code == 0, result.output
    folder = runs.RunFolder("run")
    data = folder.read_config()["data"]
    assert data["image_shape"] == [10, 10, 3]
    assert data["classes"] == ["left", "right"]
    assert folder.read_history()[0]["knn"] > 0.9
    runs.report(folder)
    assert set(Path("run/tensorboard/metadata.tsv").read_text().split()) == {"left", "right"}


def test_an_existing_run_is_refused_without_resume(cli, trained, pictures):
    before = (trained / "history.csv").read_text()
    line = error_of(cli("pretrain", "tiny_denoising", "--data", pictures, "--output", trained))
    assert "--resume" in line
    assert line.endswith("Received: output=run")
    assert (trained / "history.csv").read_text() == before


def test_resume_goes_on(cli, trained):
    result = cli("pretrain", "tiny_denoising", "--output", trained, "--epochs", 3, "--resume", "--no-evaluate")
    assert result.exit_code == 0, result.output
    assert [row["epoch"] for row in runs.RunFolder(trained).read_history()] == [1, 2, 3]
    assert "epoch 1/3" not in result.stderr


def test_going_on_forgets_the_judgement_of_the_encoder_before(cli, trained):
    runs.RunFolder(trained).write_metrics({"knn": 1.0})
    cli("pretrain", "tiny_denoising", "--output", trained, "--epochs", 3, "--resume", "--no-evaluate")
    assert not (trained / "metrics.json").exists()
    assert (trained / "report.png").is_file()


def test_resume_of_a_finished_run_changes_nothing(cli, pictures):
    words = ("pretrain", "tiny_denoising", "--data", pictures, "--output", "run", "--no-evaluate")
    cli(*words, "--epochs", 9, "--early-stopping", "embedding_std:1")
    history = runs.RunFolder("run").read_history()
    encoder = Path("run/encoder.keras").read_bytes()
    if len(history) == 9:
        pytest.fail("the run did not stop early, so it shows nothing")
    assert cli(*words, "--resume").exit_code == 0
    assert runs.RunFolder("run").read_history() == history
    assert Path("run/encoder.keras").read_bytes() == encoder


def test_resume_of_another_recipe(cli, trained):
    line = error_of(cli("pretrain", "simclr_fashion_mnist", "--output", trained, "--resume"))
    assert "this run is of tiny_denoising" in line


def test_resume_before_the_first_checkpoint_starts_afresh(cli, trained):
    for name in ("model.keras", "encoder.keras", "history.csv"):
        (trained / name).unlink()
    shutil.rmtree(trained / "checkpoints")
    result = cli("pretrain", "tiny_denoising", "--output", trained, "--resume", "--no-evaluate")
    assert result.exit_code == 0, result.output
    assert [row["epoch"] for row in runs.RunFolder(trained).read_history()] == [1]


def test_resume_takes_the_newest_run(cli, pictures):
    assert "found no run" in error_of(cli("pretrain", "tiny_denoising", "--resume"))
    for _ in range(2):
        cli("pretrain", "tiny_denoising", "--data", pictures, "--epochs", 1, "--no-evaluate")
    cli("pretrain", "tiny_denoising", "--epochs", 2, "--resume", "--no-evaluate")
    assert [len(runs.RunFolder(f"runs/tiny_denoising-{n}").read_history()) for n in (1, 2)] == [1, 2]


def test_a_target_that_cannot_be_written_stops_before_training(cli, pictures):
    Path("file").write_text("")
    result = cli("pretrain", "tiny_denoising", "--data", pictures, "--output", "file/run")
    assert "`output` cannot be written" in error_of(result)
    assert "epoch" not in result.output


def test_a_loss_that_is_not_finite_is_one_line(cli, pictures, monkeypatch):
    def diverge(*args, **kwargs):
        raise FloatingPointError("the loss became NaN")

    monkeypatch.setattr(runs, "pretrain", diverge)
    assert error_of(cli("pretrain", "tiny_denoising", "--data", pictures)) == "Error: the loss became NaN"


def test_an_interrupted_run_says_how_to_go_on(cli, pictures, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "pretrain", interrupt)
    result = cli("pretrain", "tiny_denoising", "--data", pictures, "--output", "run")
    assert result.exit_code == 130
    assert "keras-ssl pretrain tiny_denoising --output run --resume" in result.stderr


def test_debug_shows_the_traceback(cli):
    result = cli("--debug", "pretrain", "nothing_like_it")
    assert isinstance(result.exception, ValueError)
    assert isinstance(cli("pretrain", "nothing_like_it").exception, SystemExit)


def test_warnings_are_one_line(cli, unlabelled):
    result = cli("pretrain", "tiny_denoising", "--data", unlabelled, "--epochs", 1, "--output", "run")
    assert result.exit_code == 0, result.output
    assert result.stderr.count("Warning: There are no test pictures") == 1
    assert ".py:" not in result.stderr
    assert Path("run/report.png").exists()
    assert not Path("run/metrics.json").exists()


def test_evaluate_as_json_prints_one_object(cli, trained):
    result = cli("evaluate", trained, "--json")
    scores = json.loads(result.stdout)
    four = {"knn", "linear", "linear_1pct", "linear_10pct"}
    assert set(scores) == four | {"rankme", "baselines"}
    assert {name: set(row) for name, row in scores["baselines"].items()} == {"raw": four, "random": four}
    assert scores == json.loads((trained / "metrics.json").read_text())
    assert "nearest neighbours" in result.stderr


def test_without_labels_there_is_a_picture_but_nothing_to_judge(cli, pictures):
    arrays = np.load(pictures)
    np.savez("bare.npz", x_train=arrays["x_train"], x_test=arrays["x_test"])
    result = cli("pretrain", "tiny_denoising", "--data", "bare.npz", "--epochs", 1, "--output", "run")
    assert result.exit_code == 0, result.output
    assert Path("run/report.png").exists()
    assert not Path("run/metrics.json").exists()
    assert "`data` must have labels" in error_of(cli("evaluate", "run"))


def test_evaluate_what_is_no_run(cli, tmp_path):
    assert "must be the folder of a run" in error_of(cli("evaluate", tmp_path))


def test_embed_a_file_with_all_its_rows(cli, trained, rng):
    np.savez("more.npz", x=rng.integers(0, 256, (50, 8, 8, 1), "uint8"), y=np.arange(50))
    result = cli("embed", trained, "--data", "more.npz", "--output", "new/out.npz")
    assert result.exit_code == 0, result.output
    found = np.load("new/out.npz")
    assert found["embeddings"].shape == (50, 6)
    np.testing.assert_array_equal(found["labels"], np.arange(50))
    x = np.load("more.npz")["x"]
    np.testing.assert_allclose(found["embeddings"], runs.RunFolder(trained).load_encoder()(x), rtol=1e-5, atol=1e-6)


def test_embed_without_labels_and_of_another_size(cli, trained, rng):
    np.save("large.npy", rng.integers(0, 256, (7, 16, 16, 1), "uint8"))
    assert cli("embed", trained, "--data", "large.npy", "--output", "out.npz").exit_code == 0
    assert {name: array.shape for name, array in np.load("out.npz").items()} == {"embeddings": (7, 6)}


def test_embed_pictures_of_another_kind(cli, trained, rng):
    np.save("coloured.npy", rng.integers(0, 256, (7, 8, 8, 3), "uint8"))
    result = cli("embed", trained, "--data", "coloured.npy", "--output", "out.npz")
    assert "must have pictures of 8 x 8 x 1" in error_of(result)
    assert not Path("out.npz").exists()


def test_embed_wants_an_npz(cli, trained, pictures):
    result = cli("embed", trained, "--data", pictures, "--output", "out.csv")
    assert "`output` must end in .npz" in error_of(result)


def test_export_and_verify(cli, trained):
    assert "served/1" in cli("export", trained, "--output", "served").stdout
    assert "served/2" in cli("export", trained, "--output", "served").stdout
    result = json.loads(cli("verify", "served", "--json").stdout)
    assert result["version"] == 2
    assert result["max_difference"] <= result["tolerance"]
    told = cli("verify", "served/1").stdout
    assert "without Python" in told
    for name in ("serving_default", "from_bytes"):
        assert re.search(rf"{name} \d\.\de[-+]\d\d on [89] examples", told)


def test_export_options(cli, trained):
    def exported(*options):
        result = cli("export", trained, "--output", "served", *options)
        assert result.exit_code == 0, result.output
        return json.loads(cli("verify", "served", "--json").stdout)["signatures"]

    bare = exported("--no-from-bytes", "--input-dtype", "uint8")
    assert list(bare) == ["serving_default"]
    assert bare["serving_default"]["inputs"]["images"]["dtype"] == "uint8"
    images, layer, *_ = (part.name for part in runs.RunFolder(trained).load_encoder().layers)
    chosen = exported("--layer", layer, "--normalize", "--from-bytes")
    assert chosen["from_bytes"]["outputs"]["embedding"]["shape"] == [None, 64]
    stored = np.load("served/2/assets.extra/verify.npz")["serving_default/outputs/embedding"]
    np.testing.assert_allclose(np.linalg.norm(stored, axis=-1), 1, rtol=1e-5)
    pooled = exported("--layer", images, "--pooling", "max")
    assert pooled["serving_default"]["outputs"]["embedding"]["shape"] == [None, 1]
    result = cli("export", trained, "--output", "served", "--layer", "none_such")
    assert f"`layer` must be one of {images}, {layer}" in error_of(result)


@pytest.mark.parametrize(("format", "options"), [("tflite", []), ("tflite", ["--int8"]), ("onnx", ["--normalize"])])
def test_export_of_one_file(cli, trained, format, options):
    result = cli("export", trained, "--output", "encoder.file", "--format", format, *options)
    assert result.exit_code == 0, result.output
    assert re.search(r"[\d,]+ bytes, largest difference from Keras \d\.\de[-+]\d\d on 8 pictures", result.stdout)
    assert Path("encoder.file").stat().st_size > 1000
    told = re.search(r"kNN: +float (\S+), int8 (\S+), loss (\S+)\n", result.stdout)
    assert bool(told) == ("--int8" in options)
    if told:
        exact, int8, loss = map(float, told.groups())
        assert exact > 0.9  # chance is a third
        assert loss == pytest.approx(exact - int8, abs=2e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--format", "pickle"], "`format` must be one of savedmodel, tflite, onnx"), (["--int8"], "`int8` needs the")],
)
def test_export_refuses(cli, trained, options, message):
    assert message in error_of(cli("export", trained, "--output", "out", *options))
    assert not Path("out").exists()


@pytest.mark.gate
def test_verify_under_load(cli, trained):
    cli("export", trained, "--output", "served", "--no-from-bytes")
    result = cli("verify", "served", "--load", 0.4)
    assert result.exit_code == 0, result.output
    assert "8 threads ask for 0.4 s" in result.stderr
    assert [line.split()[:2] for line in result.stdout.splitlines() if "serving_default  " in line] == [
        ["serving_default", "C"],
        ["serving_default", "tf.function"],
        ["serving_default", "ratio"],
    ]
    assert "8 threads, no error; memory grew by" in result.stdout
    assert "`load` must be a number of seconds above 0" in error_of(cli("verify", "served", "--load", 0))


def test_verify_what_is_no_export(cli, tmp_path):
    assert "must hold a version folder" in error_of(cli("verify", tmp_path))


@pytest.mark.gate
def test_quickstart_again_and_again(cli, recipe, pictures, monkeypatch):
    monkeypatch.setattr("keras_ssl.recipes.get", lambda name: dataclasses.replace(recipe, data=pictures))
    for number in (1, 2):
        result = cli("quickstart")
        assert result.exit_code == 0, result.output
        run = Path(f"runs/quickstart-{number}")
        assert (run / "report.png").exists()
        assert (run / "export/1/saved_model.pb").exists()
        assert all(text in result.stdout for text in ("trained encoder", "verified", str(run / "report.png"), "in all"))
        assert "4. Verify" in result.stderr


@pytest.mark.gate
def test_the_main_job_as_a_user_runs_it(tmp_path):
    def command(*words):
        program = str(Path(sys.executable).with_name("keras-ssl"))
        return subprocess.run([program, *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    sample = command("pretrain", "simclr_fashion_mnist", "--epochs", "1", "--output", "run", "--no-evaluate")
    assert sample.returncode == 0, sample.stderr
    assert "epoch 1/1" in sample.stderr
    judged = command("evaluate", "run", "--json")
    scores = json.loads(judged.stdout)
    assert scores["baselines"]["raw"]["knn"] == pytest.approx(0.81, abs=0.01)
    assert scores["knn"] > 0.7
    assert command("export", "run", "--output", "served").returncode == 0
    verified = json.loads(command("verify", "served", "--json").stdout)
    assert verified["python_tensorflow"] is False
    refused = command("pretrain", "simclr_fashion_mnist", "--output", "run")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("Error: `output` holds a run already")
    assert os.listdir(tmp_path / "run" / "tensorboard")


@pytest.mark.gate
def test_deterministic_runs_are_equal_to_the_bit(tmp_path):
    program = str(Path(sys.executable).with_name("keras-ssl"))
    pictures = np.random.default_rng(0).integers(0, 256, (80, 16, 16, 1), "uint8")
    np.savez(tmp_path / "x.npz", x_train=pictures, x_test=pictures[:20])
    words = ("--data", "x.npz", "--epochs", "2", "--batch-size", "16", "--deterministic", "--no-evaluate")
    for name in ("first", "second"):
        done = subprocess.run(
            [program, "pretrain", "simclr_fashion_mnist", *words, "--output", name],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    first, second = (runs.RunFolder(tmp_path / name).load_encoder().get_weights() for name in ("first", "second"))
    for mine, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.gate
def test_two_replicas_from_the_command_line(tmp_path):
    program = str(Path(sys.executable).with_name("keras-ssl"))
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "x.npz", x=rng.integers(0, 256, (80, 16, 16, 1), "uint8"))
    words = ("--data", "x.npz", "--epochs", "1", "--batch-size", "16", "--strategy", "cpu:2", "--deterministic")
    done = subprocess.run(
        [program, "pretrain", "simclr_fashion_mnist", *words, "--output", "run"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert runs.RunFolder(tmp_path / "run").read_config()["state"] == "trained"
    assert (tmp_path / "run" / "report.png").exists()
