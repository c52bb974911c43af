import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_ssl.serving import c_api_check, verify
from keras_ssl.serving.op_libraries import write_op_libraries

LIBRARIES = ["_fast_wordpiece_tokenizer.so", "_normalize_ops.so", "_regex_split_ops.so"]


@pytest.fixture
def copied(text_export, tmp_path):
    return shutil.copytree(text_export, tmp_path / "model")


def test_both_models_give_the_numbers_of_keras(text_export):
    result = verify(text_export)
    assert (result["directory"], result["version"]) == (str(text_export), 1)
    signatures = result["signatures"]
    assert {name: one["examples"] for name, one in signatures.items()} == {
        "ids/serving_default": 4,
        "strings/serving_default": 4,
    }
    assert {name: one["dtype"] for name, one in signatures["ids/serving_default"]["inputs"].items()} == {
        "token_ids": "int32",
        "padding_mask": "int32",
        "segment_ids": "int32",
    }
    assert signatures["strings/serving_default"]["inputs"]["texts"]["dtype"] == "string"
    assert all(one["outputs"]["embedding"]["shape"] == [None, 8] for one in signatures.values())
    assert result["examples"] == 8
    assert result["max_difference"] == max(one["max_difference"] for one in signatures.values()) < 1e-5
    assert result["op_libraries"] == LIBRARIES
    assert result["python_tensorflow"] is False
    assert result["seconds"] > result["load_seconds"] > 0
    assert json.loads(json.dumps(result)) == result


def test_the_child_imports_no_python_of_the_libraries(text_export):
    command = [sys.executable, "-I", "-X", "importtime", c_api_check.__file__, str(text_export / "strings" / "1")]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stdout
    assert json.loads(child.stdout)["op_libraries"] == LIBRARIES
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in child.stderr.splitlines() if "|" in line}
    assert "numpy" in imported
    assert not imported & {"tensorflow", "tensorflow_text", "keras", "keras_hub", "keras_ssl"}


def test_without_a_library_the_strings_cannot_be_loaded(copied):
    path = copied / "strings" / "1" / c_api_check.OP_LIBRARIES_FILE
    described = json.loads(path.read_text())
    del described["libraries"]["_normalize_ops.so"]
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match="TensorFlow cannot load .*(CaseFoldUTF8|NormalizeUTF8)"):
        verify(copied / "strings")
    write_op_libraries(copied / "strings" / "1")
    assert c_api_check.op_libraries(copied / "strings" / "1")[1].name == "_normalize_ops.so"


def test_another_text_is_found(copied):
    path = copied / "strings" / "1" / "assets.extra" / "verify.npz"
    arrays = dict(np.load(path))
    arrays["serving_default/inputs/texts"][0] = b"The cats walk."
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"strings/1, Signature 'serving_default': `embedding` must equal what Keras"):
        verify(copied / "strings")


def test_half_of_an_export_is_refused(copied):
    shutil.copytree(copied / "ids" / "1", copied / "ids" / "2")
    with pytest.raises(ValueError, match=r"`version` must be one of \[1\] in .*strings. Received: version=2"):
        verify(copied)
    shutil.rmtree(copied / "ids")
    with pytest.raises(ValueError, match=r"`version` must be one of \[\] in .*ids. Received: version=1"):
        verify(copied)
    shutil.rmtree(copied / "strings" / "1")
    with pytest.raises(ValueError, match=r"`directory` must hold a version folder.*ids"):
        verify(copied)


@pytest.mark.gate
def test_both_models_under_load(text_export):
    load = verify(text_export, load=2)["load"]
    assert (load["seconds"], load["threads"]) == (2, 8)
    assert list(load["signatures"]) == ["ids/serving_default", "strings/serving_default"]
    assert all(one["c_api"]["requests"] > 0 for one in load["signatures"].values())
