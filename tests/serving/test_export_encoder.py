import importlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.serving import export_encoder, versions

module = importlib.import_module("keras_ssl.serving.write_versions")


def load(path):
    loaded = tf.saved_model.load(str(path))
    return loaded, loaded.signatures["serving_default"]


def serve(path, **inputs):
    # The loaded object owns the variables.
    _loaded, signature = load(path)
    return {name: x.numpy() for name, x in signature(**{key: tf.constant(x) for key, x in inputs.items()}).items()}


def stored(path):
    with np.load(path / "assets.extra" / "verify.npz", allow_pickle=False) as file:
        return dict(file)


def test_clean_signatures_with_names_and_a_free_batch(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path / "new" / "model", examples=images)
    assert path == tmp_path / "new" / "model" / "1"
    loaded, signature = load(path)
    assert list(loaded.signatures) == ["serving_default", "from_bytes"]
    _, inputs = signature.structured_input_signature
    assert inputs == {"images": tf.TensorSpec((None, 8, 8, 3), "float32", name="images")}
    assert signature.structured_outputs == {"embedding": tf.TensorSpec((None, 5), "float32", name="embedding")}
    for batch in (1, 7):
        x = images[:batch].astype("float32")
        np.testing.assert_allclose(
            signature(images=tf.constant(x))["embedding"], encoder.predict(x, verbose=0), atol=1e-5
        )


def test_examples_and_outputs_of_keras_travel_with_the_export(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=images, tolerance=1e-3)
    arrays = stored(path)
    np.testing.assert_array_equal(arrays["serving_default/inputs/images"], images)
    np.testing.assert_allclose(
        arrays["serving_default/outputs/embedding"], encoder.predict(images, verbose=0), atol=1e-5
    )
    metadata = json.loads(str(arrays["metadata"]))
    assert metadata["tolerance"] == 1e-3
    assert "keras_ssl" in metadata


def test_versions_count_up_and_are_never_replaced(encoder, images, tmp_path):
    assert export_encoder(encoder, tmp_path, examples=images).name == "1"
    assert export_encoder(encoder, tmp_path, examples=images, version=9).name == "9"
    (tmp_path / "notes").mkdir()
    assert export_encoder(encoder, tmp_path, examples=images).name == "10"
    with pytest.raises(ValueError, match=r"`version` must be new.*version=9"):
        export_encoder(encoder, tmp_path, examples=images, version=9)
    with pytest.raises(ValueError, match=r"`version` must be an int.*version=0"):
        export_encoder(encoder, tmp_path, examples=images, version=0)
    assert versions(tmp_path) == [1, 9, 10]


def test_bytes_as_input_and_names_of_choice(encoder, images, tmp_path):
    path = export_encoder(
        encoder, tmp_path, examples=images, input_name="pixels", output_name="features", input_dtype="uint8"
    )
    served = serve(path, pixels=images)
    np.testing.assert_allclose(served["features"], encoder.predict(images, verbose=0), atol=1e-5)
    assert stored(path)["serving_default/inputs/pixels"].dtype == "uint8"


def test_a_name_given_to_the_input_is_kept(tmp_path):
    model = keras.Sequential([keras.Input((3,), name="spectrum"), keras.layers.Dense(2)])
    served = serve(export_encoder(model, tmp_path, examples=np.ones((2, 3), "float32")), spectrum=np.ones((1, 3), "f"))
    assert served["embedding"].shape == (1, 2)


def test_several_named_inputs(token_encoder, tokens, tmp_path):
    expected = token_encoder.predict(tokens, verbose=0)
    path = export_encoder(token_encoder, tmp_path, examples=tokens | {"a_key_too_many": np.ones(3)})
    _, signature = load(path)
    _, specs = signature.structured_input_signature
    assert {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in specs.items()} == {
        "token_ids": ("int32", [None, None]),
        "padding_mask": ("bool", [None, None]),
    }
    ids = tokens["token_ids"].astype("int32")
    served = serve(path, token_ids=ids, padding_mask=tokens["padding_mask"])
    np.testing.assert_allclose(served["embedding"], expected, atol=1e-5)
    unmasked = serve(path, token_ids=ids, padding_mask=np.ones((3, 6), bool))
    assert np.abs(unmasked["embedding"] - expected).max() > 1e-3


def test_a_dict_of_outputs_keeps_its_names(tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, {"local": keras.layers.Dense(2)(x), "codes": keras.ops.argmax(x, -1)})
    served = serve(export_encoder(model, tmp_path, examples=np.eye(3)), images=np.eye(3, dtype="float32"))
    assert sorted(served) == ["codes", "local"]
    np.testing.assert_array_equal(served["codes"], [0, 1, 2])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_encoders_export_float32(policy, images, tmp_path):
    keras.config.set_dtype_policy(policy)
    x = keras.Input((8, 8, 3))
    y = keras.layers.Conv2D(4, 3)(keras.layers.Rescaling(1 / 255)(x))
    model = keras.Model(x, keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization()(y)))
    assert model.outputs[0].dtype == policy.removeprefix("mixed_")
    served = serve(export_encoder(model, tmp_path, examples=images), images=images.astype("float32"))
    assert served["embedding"].dtype == "float32"
    np.testing.assert_allclose(served["embedding"], model.predict(images, verbose=0).astype("float32"), atol=1e-2)


def test_preprocessing_is_exported_in_front(encoder, images, tmp_path):
    expected = encoder.predict(images[:, ::-1] / 2.0, verbose=0)

    def turned(pixels):
        return pixels[:, ::-1] / 2.0

    served = serve(export_encoder(encoder, tmp_path, examples=images, preprocess=turned), images=images.astype("f"))
    np.testing.assert_allclose(served["embedding"], expected, atol=1e-5)

    resize = keras.Sequential([keras.Input((None, None, 3), name="photo"), keras.layers.Resizing(8, 8)])
    path = export_encoder(encoder, tmp_path, examples=images, preprocess=resize)
    assert serve(path, photo=np.ones((2, 30, 20, 3), "float32"))["embedding"].shape == (2, 5)


def test_preprocessing_may_give_more_than_the_encoder_takes(token_encoder, tokens, tmp_path):
    expected = token_encoder.predict(tokens, verbose=0)
    ids = keras.Input((None,), dtype="int32", name="raw_ids")
    mask = keras.Input((None,), dtype="bool", name="raw_mask")
    front = keras.Model([ids, mask], {"a_key_too_many": ids * 0, "token_ids": ids - 100, "padding_mask": mask})
    raw = {"raw_ids": tokens["token_ids"].astype("int32") + 100, "raw_mask": tokens["padding_mask"]}
    path = export_encoder(token_encoder, tmp_path, examples=raw, preprocess=front)
    np.testing.assert_allclose(serve(path, **raw)["embedding"], expected, atol=1e-5)


def test_variables_of_the_preprocessing_are_saved(encoder, images, tmp_path):
    normalize = keras.layers.Normalization(axis=-1)
    normalize.adapt(images)
    expected = encoder.predict(normalize(images), verbose=0)
    path = export_encoder(encoder, tmp_path, examples=images, preprocess=normalize)
    np.testing.assert_allclose(serve(path, images=images.astype("f"))["embedding"], expected, atol=1e-5)


class Objective(keras.Model):
    def __init__(self, encoder, feature_key=None):
        super().__init__()
        self.encoder = encoder
        self.feature_key = feature_key
        self.head = keras.layers.Dense(3)

    def call(self, x):
        return self.encoder(x)


def test_of_an_objective_the_encoder_is_exported(encoder, images, tmp_path):
    path = export_encoder(Objective(encoder), tmp_path, examples=images)
    assert serve(path, images=images.astype("f"))["embedding"].shape == (8, 5)


@pytest.mark.parametrize(("structure", "key"), [(list, 1), (lambda pair: dict(zip("ab", pair, strict=True)), "b")])
def test_of_several_outputs_the_features_are_exported(structure, key, tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, structure([x + 1, x * 2]))
    path = export_encoder(Objective(model, key), tmp_path, examples=np.eye(3))
    served = serve(path, images=np.eye(3, dtype="float32"))
    np.testing.assert_array_equal(served.pop("embedding"), 2 * np.eye(3))
    assert not served


def test_models_made_of_lists_are_exported(tmp_path):
    x = keras.Input((3,))
    path = export_encoder(keras.Model([x], [x * 2]), tmp_path, examples=np.eye(3))
    np.testing.assert_array_equal(serve(path, images=np.eye(3, dtype="float32"))["embedding"], 2 * np.eye(3))


def test_examples_of_a_source(encoder, images, tmp_path):
    class Source:
        def ordered(self, batch_size):
            return tf.data.Dataset.from_tensor_slices({"x": images, "index": np.arange(8)}).batch(min(batch_size, 5))

    path = export_encoder(encoder, tmp_path, examples=Source())
    np.testing.assert_array_equal(stored(path)["serving_default/inputs/images"], images[:5])


def test_no_more_than_a_few_examples_are_kept(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path, examples=np.concatenate([images] * 5))
    assert stored(path)["serving_default/inputs/images"].shape == (32, 8, 8, 3)


def test_the_examples_warm_the_server_up(encoder, images, tmp_path, monkeypatch):
    written = []

    def write(folder, requests, model_name):
        assert (folder / "saved_model.pb").exists()
        assert folder.name.startswith(".tmp-")
        rows = {name: {key: len(array) for key, array in inputs.items()} for name, inputs in requests.items()}
        written.append((rows, model_name))

    monkeypatch.setattr(module, "write_warmup_requests", write)
    export_encoder(encoder, tmp_path / "clothes", examples=np.concatenate([images] * 5))
    monkeypatch.chdir(tmp_path / "clothes")
    export_encoder(encoder, ".", examples=images[:2], from_bytes=False)
    assert written == [
        ({"serving_default": {"images": 32}, "from_bytes": {"image_bytes": 32}}, "clothes"),
        ({"serving_default": {"images": 2}}, "clothes"),
    ]


def test_a_model_made_under_a_strategy(two_replicas, images, tmp_path):
    with two_replicas.scope():
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    path = export_encoder(model, tmp_path, examples=images)
    np.testing.assert_allclose(
        serve(path, images=images.astype("f"))["embedding"], model(images.astype("f")), atol=1e-3
    )


class Unsteady(keras.layers.Layer):
    """Gives other numbers at every call."""

    def __init__(self):
        super().__init__()
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x + self.calls


def test_nothing_is_left_where_the_numbers_differ(encoder, images, tmp_path):
    export_encoder(encoder, tmp_path, examples=images)
    unsteady = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), Unsteady()])
    with pytest.raises(ValueError, match=r"`embedding` must equal what Keras gives"):
        export_encoder(unsteady, tmp_path, examples=images)
    assert os.listdir(tmp_path) == ["1"]


def test_nothing_is_left_after_an_interruption_and_nothing_seen_before(encoder, images, tmp_path, monkeypatch):
    seen = []

    def interrupt(folder, *_):
        seen.extend(path.name for path in tmp_path.iterdir())
        assert (folder / "saved_model.pb").exists()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_compare_reloaded", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export_encoder(encoder, tmp_path, examples=images)
    assert len(seen) == 1
    assert not seen[0].isdecimal()
    assert os.listdir(tmp_path) == []


def test_a_batch_size_baked_into_the_model_is_refused(tmp_path):
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Lambda(lambda x: x + tf.ones((2, 4)))(x))
    with pytest.raises(ValueError, match=r"`embedding` must have shape \(1, 4\)"):
        export_encoder(model, tmp_path, examples=np.ones((2, 4)))
    assert os.listdir(tmp_path) == []


def test_a_target_that_cannot_be_written(encoder, images, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(
        ValueError, match=r"`directory` must be a folder that can be written.*Received: directory=.*file"
    ):
        export_encoder(encoder, file / "model", examples=images)


def test_bad_arguments_say_so(encoder, token_encoder, tokens, images, tmp_path):
    def refused(match, model=encoder, examples=images, **arguments):
        with pytest.raises(ValueError, match=match):
            export_encoder(model, tmp_path / "model", examples=examples, **arguments)

    refused("`encoder` must be a built", keras.Sequential([keras.layers.Dense(3)]))
    refused("`encoder` must be a built", keras.layers.Dense(3))
    x = keras.Input((8, 8, 3))
    refused("one output, or a dict of outputs.*2 without names", keras.Model(x, [x, x]))
    refused(r"`examples` must have shape \(None, 8, 8, 3\)", examples=images[0])
    refused(r"`examples` must be one or more rows", examples=images[:0])
    refused(r"`examples` must have the inputs \['padding_mask'\]", token_encoder, {"token_ids": tokens["token_ids"]})
    refused("whole numbers that fit", examples=images / 255.0, input_dtype="uint8")
    refused("`input_name` must be left out", token_encoder, tokens, input_name="x")
    refused("`input_dtype` must be left out", token_encoder, tokens, input_dtype="int64")
    refused("`preprocess` must be a built model", token_encoder, tokens, preprocess=lambda x: x)
    refused("named as Python variables.*'my output'", output_name="my output")
    refused(r"`input_dtype` must be a dtype.*Received: input_dtype='pixels'", input_dtype="pixels")
    refused("finite numbers", examples=np.full((1, 8, 8, 3), np.nan))
    assert not (tmp_path / "model").exists()


@pytest.mark.gate
def test_exports_load_where_keras_ssl_is_not_installed(encoder, images, tmp_path):
    path = export_encoder(encoder, tmp_path / "served", examples=images)
    encoder.save(tmp_path / "encoder.keras")
    program = f"""
import sys
sys.modules["keras_ssl"] = None
import keras, numpy as np, tensorflow as tf
arrays = np.load({str(path / "assets.extra" / "verify.npz")!r})
pixels, wanted = arrays["serving_default/inputs/images"], arrays["serving_default/outputs/embedding"]
loaded = tf.saved_model.load({str(path)!r})
served = loaded.signatures["serving_default"](images=tf.constant(pixels))["embedding"]
np.testing.assert_allclose(served, wanted, atol=1e-5)
model = keras.saving.load_model({str(tmp_path / "encoder.keras")!r})
np.testing.assert_allclose(model.predict(pixels, verbose=0), wanted, atol=1e-5)
try:
    import keras_ssl
except ImportError:
    print("without keras_ssl")
"""
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert child.stdout.split("\n")[-2:] == ["without keras_ssl", ""], child.stderr
