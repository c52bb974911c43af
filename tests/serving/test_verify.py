import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ssl.serving import c_api_check, export_encoder, verify


@pytest.fixture
def export(encoder, images, tmp_path):
    return export_encoder(encoder, tmp_path / "model", examples=images)


def test_the_c_api_gives_the_numbers_of_keras(export):
    result = verify(export.parent)
    assert result["version"] == 1
    assert result["directory"] == str(export)
    signatures = result["signatures"]
    assert {name: one["examples"] for name, one in signatures.items()} == {"serving_default": 8, "from_bytes": 9}
    assert signatures["serving_default"]["inputs"]["images"]["dtype"] == "float32"
    assert signatures["serving_default"]["inputs"]["images"]["shape"] == [None, 8, 8, 3]
    assert signatures["from_bytes"]["inputs"]["image_bytes"]["dtype"] == "string"
    assert signatures["from_bytes"]["inputs"]["image_bytes"]["shape"] == [None]
    assert all(one["outputs"]["embedding"]["shape"] == [None, 5] for one in signatures.values())
    assert all(one["run_seconds"] > 0 for one in signatures.values())
    assert result["examples"] == 17
    assert result["max_difference"] == max(one["max_difference"] for one in signatures.values()) < 1e-5
    assert result["python_tensorflow"] is False
    assert result["seconds"] > result["load_seconds"] > 0
    assert json.loads(json.dumps(result)) == result


def test_the_newest_version_unless_told(export, encoder, images):
    newest = export_encoder(encoder, export.parent, examples=images[:2], version=12, from_bytes=False)
    export_encoder(encoder, export.parent, examples=images[:3], version=4, from_bytes=False)
    assert [verify(export.parent)[key] for key in ("version", "examples")] == [12, 2]
    assert [verify(export.parent, version=4)[key] for key in ("version", "examples")] == [4, 3]
    assert verify(newest)["version"] == 12
    elsewhere = shutil.copytree(newest, export.parent.parent / "copy")
    assert verify(elsewhere)["version"] is None


def test_named_inputs_of_other_dtypes(token_encoder, tokens, tmp_path):
    export_encoder(token_encoder, tmp_path, examples=tokens)
    result = verify(tmp_path)
    assert {name: info["dtype"] for name, info in result["signatures"]["serving_default"]["inputs"].items()} == {
        "token_ids": "int32",
        "padding_mask": "bool",
    }
    assert result["max_difference"] < 1e-5


@pytest.mark.parametrize("dtype", ["uint8", "float16", "int64"])
def test_every_dtype_crosses_the_c_api(dtype, encoder, images, tmp_path):
    export_encoder(encoder, tmp_path, examples=images, input_dtype=dtype)
    result = verify(tmp_path)
    assert result["signatures"]["serving_default"]["inputs"]["images"]["dtype"] == dtype
    assert result["max_difference"] < 1e-5


def test_dict_outputs_with_integers(tmp_path):
    x = keras.Input((3,))
    codes = keras.ops.cast(keras.ops.argmax(x, -1), "int64")
    model = keras.Model(x, {"codes": codes, "local": keras.layers.Dense(2)(x), "seen": x > 0})
    export_encoder(model, tmp_path, examples=np.eye(3))
    outputs = verify(tmp_path)["signatures"]["serving_default"]["outputs"]
    assert {name: info["dtype"] for name, info in outputs.items()} == {
        "codes": "int64",
        "local": "float32",
        "seen": "bool",
    }


def test_vocabularies_are_exported(tmp_path):
    x = keras.Input((3,), dtype="int64", name="ids")
    places = keras.layers.IntegerLookup(vocabulary=[7, 9, 11])(x)
    export_encoder(keras.Model(x, keras.ops.cast(places, "float32")), tmp_path, examples=[[7, 9, 11], [1, 2, 7]])
    assert verify(tmp_path)["max_difference"] == 0.0


def test_the_child_imports_neither_tensorflow_nor_keras(export):
    command = [sys.executable, "-I", "-X", "importtime", c_api_check.__file__, str(export)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert json.loads(child.stdout)["python_tensorflow"] is False
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in child.stderr.splitlines() if "|" in line}
    assert "numpy" in imported
    assert not imported & {"tensorflow", "keras", "keras_ssl"}


def test_a_child_that_has_tensorflow_is_refused(export, capsys, monkeypatch):
    # This process has imported TensorFlow, so the check must notice.
    monkeypatch.setattr(sys, "argv", ["c_api_check.py", str(export)])
    assert c_api_check.main() == 1
    result = json.loads(capsys.readouterr().out)
    assert result["python_tensorflow"] is True
    assert "must not import TensorFlow's Python" in result["error"]


def test_the_exit_code_tells_of_failure(export):
    os.remove(export / "saved_model.pb")
    child = subprocess.run(
        [sys.executable, "-I", c_api_check.__file__, str(export)], capture_output=True, text=True, check=False
    )
    assert child.returncode == 1
    assert "saved_model.pb" in json.loads(child.stdout)["error"]


def test_a_tolerance_of_choice(export):
    path = export / "assets.extra" / "verify.npz"
    arrays = dict(np.load(path))
    arrays["from_bytes/outputs/embedding"] += np.float32(1e-3)
    np.savez(path, **arrays)
    assert verify(export, tolerance=1e-2)["max_difference"] == pytest.approx(1e-3, rel=1e-2)
    with pytest.raises(
        ValueError, match=r"Signature 'from_bytes': `embedding` must equal what Keras gives, to a tolerance of 0.0001"
    ):
        verify(export)


DATA = "variables/variables.data-00000-of-00001"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (DATA, "No such file"),
        ("variables/variables.index", "must hold variables/variables.index"),
        ("saved_model.pb", "must hold saved_model.pb"),
        ("assets.extra/verify.npz", "must hold assets.extra/verify.npz"),
    ],
)
def test_a_missing_file_is_named(export, part, message):
    os.remove(export / part)
    with pytest.raises(ValueError, match=message):
        verify(export)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (DATA, "Read less bytes than requested.*RestoreV2"),
        ("saved_model.pb", "saved_model.pb is damaged"),
        ("assets.extra/verify.npz", "verify.npz is damaged"),
    ],
)
def test_a_file_cut_short_is_named(export, part, message):
    os.truncate(export / part, (export / part).stat().st_size // 2)
    with pytest.raises(ValueError, match=message):
        verify(export.parent)


def test_a_flipped_bit_is_found(export):
    content = bytearray((export / DATA).read_bytes())
    content[40] ^= 64
    (export / DATA).write_bytes(content)
    with pytest.raises(ValueError, match="Checksum does not match"):
        verify(export)


@pytest.mark.gate
def test_sound_variables_of_another_model_are_found(export, encoder, images):
    encoder.layers[-1].bias.assign_add([0.0, 0.0, 0.5, 0.0, 0.0])
    other = export_encoder(encoder, export.parent, examples=images)
    shutil.rmtree(export / "variables")
    shutil.copytree(other / "variables", export / "variables")
    with pytest.raises(ValueError, match=r"`embedding` must equal what Keras gives.*largest difference 0.5"):
        verify(export)


def rewrite_examples(export, change):
    path = export / "assets.extra" / "verify.npz"
    arrays = change(dict(np.load(path)))
    np.savez(path, **arrays)


def test_a_signature_that_is_missing_is_named(export, encoder, images):
    other = export_encoder(encoder, export.parent, examples=images, from_bytes=False)
    shutil.copy(other / "saved_model.pb", export)
    with pytest.raises(ValueError, match=r"lacks the signatures \['from_bytes'\]. Received: \['serving_default'\]"):
        verify(export)


def test_a_signature_without_examples_is_named(export):
    rewrite_examples(export, lambda arrays: {key: x for key, x in arrays.items() if "from_bytes" not in key})
    with pytest.raises(ValueError, match=r"verify.npz lacks examples of the signatures \['from_bytes'\]"):
        verify(export)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: {"metadata": arrays["metadata"]}, "must hold inputs for each signature"),
        (lambda arrays: arrays | {"images": arrays["metadata"]}, "verify.npz is damaged"),
        (
            lambda arrays: {key.replace("/images", "/pixels"): array for key, array in arrays.items()},
            r"inputs of 'serving_default' must be named as in .*\['pixels'\]. Received: \['images'\]",
        ),
        (
            lambda arrays: {key: array for key, array in arrays.items() if "from_bytes/outputs" not in key},
            r"Signature 'from_bytes': The outputs must be named \[\]",
        ),
    ],
)
def test_examples_that_do_not_fit_are_named(export, change, message):
    rewrite_examples(export, change)
    with pytest.raises(ValueError, match=message):
        verify(export)


def test_a_damaged_picture_shows_what_tensorflow_says(export):
    def cut(arrays):
        key = "from_bytes/inputs/image_bytes"
        return arrays | {key: np.array([file[: len(file) // 2] for file in arrays[key].tolist()])}

    rewrite_examples(export, cut)
    with pytest.raises(ValueError, match="TensorFlow cannot run 'from_bytes'.*DecodeImage"):
        verify(export)


def test_no_version_says_so(tmp_path):
    for directory in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ValueError, match=r"`directory` must hold a version folder.*Received: directory="):
            verify(directory)
    (tmp_path / "3").mkdir()
    with pytest.raises(ValueError, match=r"must hold saved_model.pb"):
        verify(tmp_path)
    with pytest.raises(ValueError, match=r"`version` must be one of \[3\].*Received: version=2"):
        verify(tmp_path, version=2)


def test_a_process_that_dies_shows_what_it_said(export, monkeypatch, tmp_path):
    program = tmp_path / "dies.py"
    program.write_text("import sys; sys.exit('the library broke')")
    monkeypatch.setattr(c_api_check, "__file__", str(program))
    with pytest.raises(ValueError, match="exit code 1: the library broke"):
        verify(export)
