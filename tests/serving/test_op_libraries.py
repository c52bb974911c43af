import importlib.util
import json

import pytest
import tensorflow as tf
import tensorflow_text

from keras_ssl.serving import c_api_check
from keras_ssl.serving.op_libraries import write_op_libraries


@pytest.fixture
def save(tmp_path):
    """A function that saves a function of strings, writes its libraries and gives what the file says."""

    def save(function):
        module = tf.Module()
        module.serve = tf.function(function, input_signature=[tf.TensorSpec((None,), "string")])
        tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": module.serve})
        (tmp_path / "assets.extra").mkdir(exist_ok=True)
        write_op_libraries(tmp_path)
        path = tmp_path / "assets.extra" / "op_libraries.json"
        return json.loads(path.read_text()) if path.exists() else None

    return save


def test_the_libraries_of_the_graph_are_listed_and_no_others(save, tmp_path):
    described = save(lambda texts: {"found": tensorflow_text.normalize_utf8(tf.strings.lower(texts), "NFC")})
    assert described["libraries"] == {"_normalize_ops.so": ["NormalizeUTF8"]}
    assert described["tensorflow_text"] == tensorflow_text.__version__
    (path,) = c_api_check.op_libraries(tmp_path)
    assert path.name == "_normalize_ops.so"
    assert path.is_file()


def test_operations_inside_of_functions_are_found(save):
    def serve(texts):
        split = tensorflow_text.WhitespaceTokenizer().split
        return {"found": tf.cond(tf.size(texts) > 1, lambda: split(texts).to_tensor()[:, 0], lambda: texts)}

    assert save(serve)["libraries"] == {"_whitespace_tokenizer_v2.so": ["TFText>WhitespaceTokenizeWithOffsetsV2"]}


def test_tensorflow_alone_needs_no_file(save, tmp_path):
    assert save(lambda texts: {"found": tf.strings.length(tf.strings.regex_replace(texts, "b", "a"))}) is None
    assert c_api_check.op_libraries(tmp_path) == []


def test_what_calls_python_is_refused(save):
    def serve(texts):
        return {"found": tf.ensure_shape(tf.numpy_function(lambda rows: rows, [texts], "string"), (None,))}

    with pytest.raises(ValueError, match="must not call Python. Received: .*PyFunc"):
        save(serve)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"libraries": 3}', '{"libraries": '])
def test_a_damaged_list_is_named(tmp_path, content):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "op_libraries.json").write_text(content)
    with pytest.raises(ValueError, match="op_libraries.json is damaged"):
        c_api_check.op_libraries(tmp_path)


@pytest.mark.parametrize("name", ["_no_such_ops.so", "../ops/_normalize_ops.so", "/tmp/evil.so"])
def test_only_libraries_of_the_package_are_loaded(tmp_path, name):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "op_libraries.json").write_text(json.dumps({"libraries": {name: []}}))
    with pytest.raises(RuntimeError, match=f"must bring what .*op_libraries.json names. Received: no .'{name}'"):
        c_api_check.op_libraries(tmp_path)


def test_without_the_package_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="`tensorflow-text` package, which is not installed"):
        c_api_check.op_library_folder()
