import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ssl.backbones import small_image_resnet


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("blocks", [1, 2])
def test_has_the_convolutions_of_the_paper(channels, blocks):
    model = small_image_resnet((16, 16, channels), widths=(4, 6, 6), blocks_per_stage=blocks)
    shapes = [tuple(layer.kernel.shape) for layer in convolutions(model)]
    expected, width = [(3, 3, channels, 4)], 4
    for number, stage in enumerate((4, 6, 6)):
        if number > 0:
            expected.append((1, 1, width, stage))  # the strided shortcut
        for _ in range(blocks):
            expected += [(3, 3, width, stage), (3, 3, stage, stage)]
            width = stage
    assert sorted(shapes) == sorted(expected)
    assert not any(layer.use_bias for layer in convolutions(model))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == len(shapes)
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(0.9, 1e-5)}


@pytest.mark.parametrize(("stem_strides", "sides"), [(1, [16, 8, 4]), (2, [8, 4, 2])])
def test_halves_the_sides_at_each_stage_but_the_first(stem_strides, sides):
    model = small_image_resnet((16, 16, 3), widths=(4, 6, 8), stem_strides=stem_strides)
    added = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.Add)]
    assert added == [(side, side, width) for side, width in zip(sides, (4, 6, 8), strict=True)]
    assert model.output_shape == (None, 8)
    assert model.input_shape == (None, 16, 16, 3)


@pytest.mark.parametrize("pooling", ["avg", "max"])
def test_features_are_pooled_over_places_and_not_negative(pooling, rng):
    model = small_image_resnet((8, 10, 3), widths=(4, 6), pooling=pooling)
    x = rng.integers(0, 256, size=(2, 8, 10, 3)).astype("uint8")
    last = keras.Model(model.input, model.layers[-2].output)(x)
    pooled = {"avg": np.mean, "max": np.max}[pooling](np.asarray(last), axis=(1, 2))
    np.testing.assert_allclose(model(x), pooled, rtol=1e-5)
    assert (np.asarray(last) >= 0).all()


def test_scales_pixels_first(rng):
    x = rng.integers(0, 256, size=(2, 8, 8, 1)).astype("float32")
    model, unscaled = (small_image_resnet((8, 8, 1), widths=(4,), scale=scale) for scale in (1 / 255, 1.0))
    unscaled.set_weights(model.get_weights())
    np.testing.assert_allclose(model(x), unscaled(x / 255), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model(x.astype("uint8")), model(x))


def test_takes_pictures_of_any_size():
    model = small_image_resnet((None, None, 3), widths=(4,))
    assert [model(np.ones((1, side, side + 1, 3))).shape for side in (5, 9)] == [(1, 4)] * 2


@pytest.mark.gate
def test_loads_where_keras_alone_is_installed(rng, tmp_path):
    model = small_image_resnet((8, 8, 3), widths=(4, 6))
    x = rng.integers(0, 256, size=(2, 8, 8, 3)).astype("uint8")
    model.save(tmp_path / "encoder.keras")
    np.save(tmp_path / "x.npy", x)
    program = f"""
import sys
sys.modules["keras_ssl"] = None
import keras, numpy as np
encoder = keras.models.load_model(r"{tmp_path}/encoder.keras")
np.save(r"{tmp_path}/features.npy", encoder(np.load(r"{tmp_path}/x.npy")))
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    np.testing.assert_allclose(np.load(tmp_path / "features.npy"), model(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (28, 28)}, r"`input_shape` must be \(height, width, channels\).*\(28, 28\)"),
        ({"input_shape": (None, 28, 28, 1)}, r"`input_shape` must be \(height, width, channels\).*\(None, 28, 28, 1\)"),
        ({"input_shape": (28, 28, None)}, r"`input_shape` must be \(height, width, channels\).*\(28, 28, None\)"),
        ({"widths": ()}, r"`widths` must name at least one positive width.*widths=\(\)"),
        ({"widths": (8, 0)}, r"`widths` must name at least one positive width.*widths=\(8, 0\)"),
        ({"pooling": "cls"}, "`pooling` must be 'avg' or 'max'. Received: pooling='cls'"),
        ({"blocks_per_stage": 0}, "`blocks_per_stage` must be at least 1.*blocks_per_stage=0"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        small_image_resnet(**{"input_shape": (28, 28, 1), **arguments})
