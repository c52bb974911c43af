import importlib.util
import os

import keras
import numpy as np
import pytest

from keras_ssl.serving.lite import LiteEncoder, export_lite


def test_litert_gives_the_numbers_of_keras_for_any_batch(encoder, images, tmp_path):
    path = tmp_path / "new" / "encoder.tflite"
    result = export_lite(encoder, path, examples=images)
    assert result["path"] == str(path)
    assert result["bytes"] == path.stat().st_size
    assert (result["examples"], result["tolerance"], result["int8"]) == (8, 1e-4, False)
    assert result["max_difference"] < 1e-5
    assert result["inputs"] == {"images": {"dtype": "float32", "shape": [None, 8, 8, 3]}}
    assert result["outputs"] == {"embedding": {"dtype": "float32", "shape": [None, 5]}}
    assert os.listdir(path.parent) == ["encoder.tflite"]
    lite = LiteEncoder(path)
    assert lite.inputs == {"images": np.float32}
    for rows in (1, 5, 8, 1):
        x = images[:rows].astype("float32")
        (name, embedding), *others = lite({"images": x}).items()
        assert (name, others) == ("embedding", [])
        np.testing.assert_allclose(embedding, encoder.predict(x, verbose=0), atol=1e-5)


def test_an_answer_outlives_the_next_call(encoder, images, tmp_path):
    export_lite(encoder, tmp_path / "encoder.tflite", examples=images)
    lite = LiteEncoder(tmp_path / "encoder.tflite")
    first = lite({"images": images[:1].astype("float32")})["embedding"]
    kept = first.copy()
    second = lite({"images": images[1:2].astype("float32")})["embedding"]
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, kept)


def test_options_are_those_of_the_saved_model(encoder, images, tmp_path):
    options = {"input_dtype": "uint8", "input_name": "pixels", "output_name": "z", "normalize": True}
    result = export_lite(encoder, tmp_path / "encoder.tflite", examples=images, **options)
    assert result["inputs"]["pixels"]["dtype"] == "uint8"
    z = LiteEncoder(tmp_path / "encoder.tflite")({"pixels": images})["z"]
    expected = encoder.predict(images, verbose=0)
    np.testing.assert_allclose(z, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-5)


def test_several_named_inputs(token_encoder, tokens, tmp_path):
    export_lite(token_encoder, tmp_path / "tokens.tflite", examples=tokens)
    inputs = tokens | {"token_ids": tokens["token_ids"].astype("int32")}
    embedding = LiteEncoder(tmp_path / "tokens.tflite")(inputs)["embedding"]
    np.testing.assert_allclose(embedding, token_encoder.predict(tokens, verbose=0), atol=1e-5)


@pytest.mark.gate
def test_int8_weights_make_a_small_file_that_is_nearly_right(images, tmp_path):
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(64),
        ]
    )
    exact = export_lite(encoder, tmp_path / "float.tflite", examples=images)
    small = export_lite(encoder, tmp_path / "int8.tflite", examples=images, int8=True)
    assert small["int8"] is True
    assert small["bytes"] < 0.35 * exact["bytes"]
    assert exact["max_difference"] < 1e-5 < small["max_difference"]
    assert LiteEncoder(tmp_path / "int8.tflite").inputs == {"images": np.float32}
    with pytest.raises(ValueError, match="must equal what Keras gives"):
        export_lite(encoder, tmp_path / "int8.tflite", examples=images, int8=True, tolerance=1e-6)


def test_nothing_is_left_where_the_numbers_differ(encoder, images, tmp_path, monkeypatch):
    path = tmp_path / "encoder.tflite"
    export_lite(encoder, path, examples=images)
    before = path.read_bytes()
    call = LiteEncoder.__call__
    monkeypatch.setattr(
        LiteEncoder, "__call__", lambda self, inputs: {name: x + 1e-3 for name, x in call(self, inputs).items()}
    )
    with pytest.raises(ValueError, match=r"`embedding` must equal what Keras gives, to a tolerance of 0.0001"):
        export_lite(encoder, path, examples=images)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["encoder.tflite"]


def test_without_the_extra_one_line_says_what_to_install(encoder, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ai_edge_litert" else find(name))
    with pytest.raises(ValueError, match=r"`pip install keras-ssl\[tflite\]`. Received: no package ai_edge_litert"):
        export_lite(encoder, tmp_path / "encoder.tflite", examples="said before anything is looked at")
    with pytest.raises(ValueError, match=r"`pip install keras-ssl\[tflite\]`"):
        LiteEncoder(tmp_path / "encoder.tflite")
    assert os.listdir(tmp_path) == []


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "encoder.tflite").write_bytes(b"PK, not a flat buffer")
    with pytest.raises(ValueError, match="not a valid Flatbuffer"):
        LiteEncoder(tmp_path / "encoder.tflite")
