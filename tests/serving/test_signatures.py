import importlib
import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ssl import backbones, data
from keras_ssl.serving import export_encoder

module = importlib.import_module("keras_ssl.serving.write_versions")


@pytest.fixture(autouse=True)
def _no_warmup(monkeypatch):
    monkeypatch.setattr(module, "write_warmup_requests", lambda *arguments: None)


def ask(path, signature="serving_default", **inputs):
    # The loaded object owns the variables.
    loaded = tf.saved_model.load(str(path))
    outputs = loaded.signatures[signature](**{key: tf.constant(x) for key, x in inputs.items()})
    return {name: x.numpy() for name, x in outputs.items()}


def names(path):
    return list(tf.saved_model.load(str(path)).signatures)


def file_of(pixels, file_format="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format, **options)
    return file.getvalue()


@pytest.fixture
def grey_encoder():
    return backbones.small_image_resnet((8, 8, 1), widths=(4, 6), pooling="max")


@pytest.fixture
def grey_images(rng):
    return rng.integers(0, 256, (5, 8, 8, 1), "uint8")


def test_files_give_what_their_pixels_give(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images)
    by_pixels = ask(path, images=images.astype("float32"))["embedding"]
    for batch in (1, 8):
        files = np.array([file_of(image) for image in images[:batch]], "S")
        by_files = ask(path, "from_bytes", image_bytes=files)
        assert list(by_files) == ["embedding"]
        np.testing.assert_allclose(by_files["embedding"], by_pixels[:batch], atol=1e-5)


def test_files_of_any_size_and_kind_are_read_as_a_folder_is(encoder, images, rng, tmp_path):
    path = export_encoder(encoder, tmp_path / "model", examples=images)
    photo = np.kron(rng.integers(0, 256, (3, 5, 3)), np.ones((9, 11, 1))).astype("uint8")
    files = {
        "1.jpg": file_of(photo, "JPEG", quality=90),
        "2.png": file_of(np.concatenate([photo, np.full((27, 55, 1), 9, "uint8")], -1)),
        "3.png": file_of(photo[..., 0].T),
        "4.jpg": file_of(images[0], "JPEG"),
    }
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    trained_on = next(iter(data.load(folder, "all", image_size=8).ordered(4)))["x"]
    served = ask(path, "from_bytes", image_bytes=list(files.values()))["embedding"]
    np.testing.assert_allclose(served, encoder.predict(trained_on, verbose=0), atol=1e-5)


def test_the_examples_are_a_jpeg_of_another_size_and_the_pictures(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images)
    with np.load(path / "assets.extra" / "verify.npz", allow_pickle=False) as stored:
        files = [Image.open(io.BytesIO(content)) for content in stored["from_bytes/inputs/image_bytes"].tolist()]
        outputs = {name: stored[f"{name}/outputs/embedding"] for name in ("serving_default", "from_bytes")}
    assert [(file.format, file.size) for file in files] == [("JPEG", (24, 16))] + 8 * [("PNG", (8, 8))]
    np.testing.assert_array_equal(np.stack(files[1:]), images)
    np.testing.assert_allclose(outputs["from_bytes"][1:], outputs["serving_default"], atol=1e-5)
    assert np.abs(outputs["from_bytes"][0] - outputs["from_bytes"][1]).max() > 1e-4


def test_grey_pictures_and_pixels_as_bytes(grey_encoder, grey_images, tmp_path):
    path = export_encoder(grey_encoder, tmp_path, examples=grey_images, input_dtype="uint8")
    wanted = grey_encoder.predict(grey_images, verbose=0)
    np.testing.assert_allclose(ask(path, images=grey_images)["embedding"], wanted, atol=1e-5)
    # The same grey, stored as colour.
    files = [file_of(np.repeat(image, 3, -1)) for image in grey_images]
    np.testing.assert_allclose(ask(path, "from_bytes", image_bytes=files)["embedding"], wanted, atol=1e-5)


def test_preprocessing_comes_after_decoding(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images, preprocess=lambda pixels: pixels[:, ::-1] / 2.0)
    served = ask(path, "from_bytes", image_bytes=[file_of(image) for image in images])
    np.testing.assert_allclose(served["embedding"], encoder.predict(images[:, ::-1] / 2.0, verbose=0), atol=1e-5)


@pytest.mark.parametrize("damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: b"text"])
def test_what_tensorflow_says_of_a_damaged_picture_reaches_the_client(encoder, images, damage, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images)
    sound = file_of(images[0], "JPEG")
    with pytest.raises(tf.errors.InvalidArgumentError, match="DecodeImage"):
        ask(path, "from_bytes", image_bytes=[sound, damage(sound)])


def test_the_signature_of_files_is_there_where_pictures_are(encoder, images, token_encoder, tokens, tmp_path):
    vectors = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    any_size = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D()])
    two_channels = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.Flatten()])
    for model, examples, reason in [
        (vectors, np.eye(3), r"fixed size, this one is \(None, 3\)"),
        (any_size, images, r"fixed size, this one is \(None, None, None, 3\)"),
        (two_channels, np.ones((1, 4, 4, 2)), r"this one is \(None, 4, 4, 2\)"),
        (token_encoder, tokens, "one input, this one has 2"),
        # Files would come as 0 to 255, where the encoder was shown less.
        (encoder, images / 255.0, "examples of raw pixels"),
        (encoder, images - 128.0, "examples of raw pixels"),
    ]:
        assert names(export_encoder(model, tmp_path / "model", examples=examples)) == ["serving_default"]
        with pytest.raises(ValueError, match=f"`from_bytes` needs .*{reason}.*Received: from_bytes=True"):
            export_encoder(model, tmp_path / "model", examples=examples, from_bytes=True)
    assert names(export_encoder(encoder, tmp_path / "x", examples=images, from_bytes=True))[1:] == ["from_bytes"]
    assert names(export_encoder(encoder, tmp_path / "x", examples=images, from_bytes=False)) == ["serving_default"]


def test_embeddings_of_length_one(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images, normalize=True)
    wanted = encoder.predict(images, verbose=0)
    wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
    np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, atol=1e-5)
    served = ask(path, "from_bytes", image_bytes=[file_of(image) for image in images])
    np.testing.assert_allclose(served["embedding"], wanted, atol=1e-5)


def test_a_zero_vector_stays_zero(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.ReLU()])
    path = export_encoder(model, tmp_path, examples=-np.eye(3), normalize=True)
    np.testing.assert_array_equal(ask(path, images=-np.eye(3, dtype="f"))["embedding"], np.zeros((3, 3)))
    x = keras.Input((3,))
    with pytest.raises(ValueError, match="`normalize` must be left out where outputs have names"):
        export_encoder(keras.Model(x, {"a": x * 2}), tmp_path, examples=np.eye(3), normalize=True)


def test_a_chosen_layer(encoder, images, tmp_path):
    layer = encoder.layers[-2]
    path = export_encoder(encoder, tmp_path, examples=images, layer=layer.name)
    wanted = keras.Model(encoder.input, layer.output).predict(images, verbose=0)
    assert wanted.shape == (8, 4)
    np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, atol=1e-5)


def test_a_map_of_a_chosen_layer_is_pooled(encoder, images, tmp_path):
    layer = encoder.layers[3]
    maps = keras.Model(encoder.input, layer.output).predict(images, verbose=0)
    for pooling, wanted in (("avg", maps.mean((1, 2))), ("max", maps.max((1, 2)))):
        path = export_encoder(encoder, tmp_path, examples=images, layer=layer.name, pooling=pooling)
        np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, atol=1e-5)
    with pytest.raises(ValueError, match=r"`pooling` must be 'avg' or 'max' where `layer` gives a map.*6, 6, 4\)"):
        export_encoder(encoder, tmp_path, examples=images, layer=layer.name)
    with pytest.raises(ValueError, match=r"`pooling` must fit what it pools. Received: pooling='cls'"):
        export_encoder(encoder, tmp_path, examples=images, layer=layer.name, pooling="cls")
    with pytest.raises(ValueError, match=r"`pooling` must be left out where `layer` gives no map.*None, 4\)"):
        export_encoder(encoder, tmp_path, examples=images, layer=encoder.layers[-2].name, pooling="avg")


def test_a_layer_of_a_sequential_model(images, tmp_path):
    layers = [keras.layers.Flatten(), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    path = export_encoder(model, tmp_path, examples=images, layer="hidden")
    wanted = layers[1](layers[0](images.astype("f")))
    np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, rtol=1e-4, atol=1e-3)


@pytest.fixture
def pooled(tmp_path):
    """An encoder made by `pool`, after a reload."""
    pixels = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="first")(keras.layers.Rescaling(1 / 255)(pixels))
    backbone = keras.Model(pixels, keras.layers.Conv2D(5, 3)(x), name="tiny")
    backbones.pool(backbone, "avg").save(tmp_path / "encoder.keras")
    return keras.models.load_model(tmp_path / "encoder.keras")


def test_another_pooling(pooled, images, tmp_path):
    maps = backbones.backbone_of(pooled).predict(images, verbose=0)
    path = export_encoder(pooled, tmp_path, examples=images, pooling="max")
    np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], maps.max((1, 2)), atol=1e-5)
    with pytest.raises(ValueError, match=r"`pooling` must fit.*pooling='middle'"):
        export_encoder(pooled, tmp_path, examples=images, pooling="middle")


def test_another_pooling_of_tokens(images, tmp_path):
    pixels = keras.Input((8, 8, 3))
    tokens = keras.layers.Reshape((16, 6))(keras.layers.Conv2D(6, 2, strides=2)(pixels))
    encoder = backbones.pool(keras.Model(pixels, tokens), "avg")
    path = export_encoder(encoder, tmp_path, examples=images, pooling="cls", tolerance=1e-3)
    wanted = backbones.backbone_of(encoder).predict(images, verbose=0)[:, 0]
    np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, rtol=1e-4, atol=1e-3)


def test_another_pooling_at_the_end_of_a_flat_encoder(grey_encoder, grey_images, tmp_path):
    grey_encoder.save(tmp_path / "encoder.keras")
    reloaded = keras.models.load_model(tmp_path / "encoder.keras")
    path = export_encoder(reloaded, tmp_path / "model", examples=grey_images, pooling="avg")
    maps = keras.Model(grey_encoder.input, grey_encoder.get_layer("features").input).predict(grey_images, verbose=0)
    np.testing.assert_allclose(ask(path, images=grey_images.astype("f"))["embedding"], maps.mean((1, 2)), atol=1e-5)


def test_no_pooling_to_replace(encoder, images, tmp_path):
    with pytest.raises(ValueError, match=r"`pooling` can replace.*Received: pooling='avg'; `encoder` must hold one"):
        export_encoder(encoder, tmp_path, examples=images, pooling="avg")


def test_a_layer_of_the_backbone(pooled, images, tmp_path):
    backbone = backbones.backbone_of(pooled)
    for layer in ("first", "tiny"):
        maps = keras.Model(backbone.input, backbone.output if layer == "tiny" else backbone.get_layer(layer).output)
        path = export_encoder(pooled, tmp_path, examples=images, layer=layer, pooling="max")
        wanted = maps.predict(images, verbose=0).max((1, 2))
        np.testing.assert_allclose(ask(path, images=images.astype("f"))["embedding"], wanted, atol=1e-5)


def test_an_unknown_layer(pooled, images, tmp_path):
    with pytest.raises(ValueError, match=r"`layer` must be one of .*tiny.*first.*Received: layer='second'"):
        export_encoder(pooled, tmp_path, examples=images, layer="second")
    assert not (tmp_path / "1").exists()


def test_a_layer_that_was_called_elsewhere_first(images, tmp_path):
    shared = keras.layers.Dense(3, name="shared")
    shared(keras.Input((192,)))
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), shared, keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"`layer` must lie on the way.*Received: layer='shared'"):
        export_encoder(model, tmp_path, examples=images, layer="shared")


def test_half_precision_inside_a_backbone_is_known(images, tmp_path):
    pixels = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(5, 3, dtype="mixed_bfloat16")(keras.layers.Rescaling(1 / 255)(pixels))
    path = export_encoder(backbones.pool(keras.Model(pixels, maps)), tmp_path, examples=images)
    assert ask(path, images=images.astype("f"))["embedding"].dtype == "float32"
    with np.load(path / "assets.extra" / "verify.npz") as stored:
        assert json.loads(str(stored["metadata"]))["tolerance"] == 1e-2
