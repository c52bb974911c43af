import keras
import numpy as np
import pytest

from keras_ssl import data, evaluation
from keras_ssl.runs.quantization_loss import quantization_loss
from keras_ssl.serving.lite import export_lite


@pytest.fixture
def encoder():
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Conv2D(16, 3, strides=2), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Dense(16)])


@pytest.fixture
def files(encoder, pictures, tmp_path):
    test = data.load(pictures, "test")
    paths = [tmp_path / "float.tflite", tmp_path / "int8.tflite"]
    for path, int8 in zip(paths, (False, True), strict=True):
        export_lite(encoder, path, examples=test, int8=int8)
    return paths


@pytest.mark.gate
def test_each_file_is_judged_by_its_own_features(files, encoder, pictures):
    train, test = data.load(pictures), data.load(pictures, "test")
    scores = quantization_loss(*files, train, test, neighbors=3, batch_size=7)
    assert sorted(scores) == ["float", "int8", "loss"]
    in_keras = evaluation.knn(
        *evaluation.extract_features(encoder, train), *evaluation.extract_features(encoder, test), 3
    )
    assert scores["float"] == in_keras
    assert scores["loss"] == scores["float"] - scores["int8"]
    assert quantization_loss(files[1], files[0], train, test, neighbors=3) == {
        "float": scores["int8"],
        "int8": scores["float"],
        "loss": -scores["loss"],
    }


@pytest.mark.gate
def test_a_ruined_file_scores_like_chance(files, pictures, tmp_path, encoder):
    encoder.layers[-1].set_weights([np.zeros_like(weight) for weight in encoder.layers[-1].get_weights()])
    train, test = data.load(pictures), data.load(pictures, "test")
    export_lite(encoder, tmp_path / "ruined.tflite", examples=test, int8=True)
    scores = quantization_loss(files[0], tmp_path / "ruined.tflite", train, test, neighbors=3)
    assert scores["float"] == 1.0
    assert scores["int8"] == pytest.approx(1 / 3)
    assert scores["loss"] == pytest.approx(2 / 3)


def test_what_cannot_be_judged_is_refused(files, pictures, unlabelled, tmp_path):
    train, test = data.load(pictures), data.load(pictures, "test")
    with pytest.raises(ValueError, match="`train` must be labelled"):
        quantization_loss(*files, data.load(unlabelled), test)
    with pytest.raises(ValueError, match="`test` must be labelled"):
        quantization_loss(*files, train, data.load(unlabelled))
    first, second = keras.Input((8, 8, 1), name="a"), keras.Input((8, 8, 1), name="b")
    pair = keras.Model({"a": first, "b": second}, keras.layers.Flatten()(first + second))
    path = tmp_path / "pair.tflite"
    images = np.ones((2, 8, 8, 1), "float32")
    export_lite(pair, path, examples={"a": images, "b": images})
    with pytest.raises(ValueError, match="must have one input"):
        quantization_loss(path, path, train, test)
    several = keras.Model(first, {"x": keras.layers.Flatten()(first), "y": keras.layers.Flatten()(2 * first)})
    export_lite(several, path, examples=images)
    with pytest.raises(ValueError, match=r"must have one output.*\['x', 'y'\]"):
        quantization_loss(path, path, train, test)
