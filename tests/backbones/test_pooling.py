import keras
import numpy as np
import pytest

from keras_ssl.backbones import backbone_of, pool


def hub_resnet():
    import keras_hub

    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=(16, 16, 3),
    )


def cv_resnet():
    import keras_cv

    return keras_cv.models.ResNetV2Backbone(
        stackwise_filters=[64],
        stackwise_blocks=[2],
        stackwise_strides=[1],
        include_rescaling=True,
        input_shape=(16, 16, 3),
        block_type="basic_block",
    )


def hub_vit(use_class_token=True):
    import keras_hub

    return keras_hub.models.ViTBackbone(
        image_shape=(16, 8, 3),
        patch_size=4,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
        use_class_token=use_class_token,
    )


def hub_bert():
    import keras_hub

    return keras_hub.models.BertBackbone(
        vocabulary_size=20,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        dropout=0.0,
        max_sequence_length=12,
    )


def tiny(shape=(8, 8, 3), name="tiny"):
    pixels = keras.Input(shape)
    return keras.Model(pixels, keras.layers.Conv2D(4, 3)(pixels), name=name)


def tokens_with_mask(vocabulary=400):
    """Embeds each id as itself, over 512."""
    ids = keras.Input((None,), dtype="int32", name="token_ids")
    mask = keras.Input((None,), dtype="int32", name="padding_mask")
    table = keras.layers.Embedding(vocabulary, 1)
    backbone = keras.Model({"token_ids": ids, "padding_mask": mask}, table(ids), name="tokens")
    table.set_weights([np.arange(float(vocabulary))[:, None] / 512])
    return backbone


def texts(length, lengths=(3, 5, 1)):
    """The same texts, padded to a length."""
    mask = (np.arange(length) < np.array(lengths)[:, None]).astype("int32")
    ids = (1 + np.arange(length) + 5 * np.arange(len(lengths))[:, None]) % 19 + 1
    return {"token_ids": ids * mask, "segment_ids": 0 * mask, "padding_mask": mask}


def randomize(backbone):
    """Weights, statistics and class tokens away from zero and one, so that nothing can hide."""
    rng = np.random.default_rng(1)
    backbone.set_weights([value + rng.uniform(0.0, 0.3, size=value.shape) for value in backbone.get_weights()])
    return backbone


def reload(model, tmp_path):
    model.save(tmp_path / "model.keras")
    return keras.models.load_model(tmp_path / "model.keras")


MAPS = {"avg": lambda h: h.mean((1, 2)), "max": lambda h: h.max((1, 2))}


def tokens_oracle(prefix):
    return {
        "avg": lambda h: h[:, prefix:].mean(1),
        "max": lambda h: h[:, prefix:].max(1),
        "cls": lambda h: h[:, 0],
        "last": lambda h: h[:, -1],
    }


PICTURES = {
    "hub_resnet": (hub_resnet, MAPS),
    "cv_resnet": (cv_resnet, MAPS),
    "hub_vit": (hub_vit, tokens_oracle(prefix=1)),
    "hub_vit_without_class": (lambda: hub_vit(use_class_token=False), tokens_oracle(prefix=0)),
}


@pytest.mark.gate
@pytest.mark.parametrize("kind", PICTURES)
def test_pools_the_output_of_the_backbone_and_reloads(kind, rng, tmp_path):
    make, oracles = PICTURES[kind]
    backbone = randomize(make())
    x = rng.uniform(0, 255, size=(3, *backbone.input_shape[1:])).astype("float32")
    output = np.asarray(backbone(x))
    for mode, oracle in oracles.items():
        encoder = pool(backbone, mode)
        assert encoder.output_shape == (None, output.shape[-1])
        assert encoder.name == f"{backbone.name}_{mode}"
        features = np.asarray(encoder(x))
        np.testing.assert_allclose(features, oracle(output), rtol=1e-4, atol=1e-5)
        assert backbone_of(encoder) is backbone

        loaded = reload(encoder, tmp_path)
        np.testing.assert_allclose(np.asarray(loaded(x)), features, rtol=1e-6, atol=1e-6)
        assert type(backbone_of(loaded)) is type(backbone)
        np.testing.assert_allclose(np.asarray(backbone_of(loaded)(x)), output, rtol=1e-6, atol=1e-6)


@pytest.mark.gate
@pytest.mark.parametrize("mode", ["avg", "max", "cls", "last"])
def test_of_texts_leaves_padding_out_and_reloads(mode, tmp_path):
    backbone = randomize(hub_bert())
    encoder = pool(backbone, mode)
    short = texts(5)
    tokens, lengths = np.asarray(backbone(short)["sequence_output"]), short["padding_mask"].sum(1)
    oracle = {"avg": lambda h: h.mean(0), "max": lambda h: h.max(0), "cls": lambda h: h[0], "last": lambda h: h[-1]}
    expected = [oracle[mode](row[:length]) for row, length in zip(tokens, lengths, strict=True)]
    features = np.asarray(encoder(short))
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.asarray(encoder(texts(12))), features, rtol=1e-4, atol=1e-5)
    loaded = reload(encoder, tmp_path)
    np.testing.assert_allclose(np.asarray(loaded(short)), features, rtol=1e-6, atol=1e-6)
    assert backbone_of(encoder) is backbone
    assert type(backbone_of(loaded)) is type(backbone)


@pytest.mark.parametrize("mode", MAPS)
def test_pools_maps_of_any_functional_backbone(mode, rng, tmp_path):
    backbone, x = tiny((None, None, 3)), rng.normal(size=(2, 9, 7, 3)).astype("float32")
    encoder = pool(backbone, mode, name="mine")
    assert encoder.name == "mine"
    np.testing.assert_allclose(encoder(x), MAPS[mode](np.asarray(backbone(x))), rtol=1e-5, atol=1e-6)
    loaded = reload(encoder, tmp_path)
    np.testing.assert_array_equal(loaded(x), encoder(x))
    assert backbone_of(loaded).name == "tiny"


def test_shares_the_weights_of_the_backbone(rng):
    backbone, x = tiny(), rng.normal(size=(2, 8, 8, 3)).astype("float32")
    encoder = pool(backbone)
    assert [id(v) for v in encoder.variables] == [id(v) for v in backbone.variables]
    backbone.set_weights([np.zeros_like(value) for value in backbone.get_weights()])
    assert not np.asarray(encoder(x)).any()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("mode", "expected"), [("avg", 151.0), ("max", 302.0), ("last", 302.0), ("cls", 0.0)])
def test_counts_the_tokens_of_long_texts_in_half_precision(policy, mode, expected):
    """bfloat16 counts to 256 alone: token 302 would be taken for 303 or 304, which is padding here."""
    keras.config.set_dtype_policy(policy)
    encoder = pool(tokens_with_mask(), mode)
    places = np.arange(310)[None]
    features = encoder({"token_ids": places, "padding_mask": (places < 303).astype("int32")})
    assert keras.backend.standardize_dtype(features.dtype) == policy.removeprefix("mixed_")
    tolerance = 2.0 if policy == "mixed_bfloat16" else 0.25  # the precision of the number itself
    assert float(np.asarray(features, "float32")[0, 0]) * 512 == pytest.approx(expected, abs=tolerance - 1e-3)


def test_a_text_of_padding_alone_stays_finite():
    for mode in ("avg", "max", "last"):
        features = pool(tokens_with_mask(), mode)({"token_ids": np.ones((1, 4)), "padding_mask": np.zeros((1, 4))})
        assert np.isfinite(features).all()


@pytest.mark.parametrize("mode", ["mean", "", None, "AVG"])
def test_refuses_unknown_modes(mode):
    with pytest.raises(ValueError, match=r"`mode` must be one of \('avg', 'max', 'cls', 'last'\). Received: mode="):
        pool(tiny(), mode)


@pytest.mark.parametrize("mode", ["cls", "last"])
def test_refuses_modes_of_tokens_for_maps(mode):
    with pytest.raises(ValueError, match=f"`mode` must be 'avg' or 'max' for a backbone that gives a map.*'{mode}'"):
        pool(tiny(), mode)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "`backbone` must be a built functional model.*Sequential"),
        (lambda: keras.layers.Dense(3), "`backbone` must be a built functional model.*Dense"),
        (lambda: pool(tiny()), r"`backbone` must give a map.*Received: output of shape \(None, 4\)"),
    ],
    ids=["unbuilt", "layer", "pooled"],
)
def test_refuses_what_is_no_backbone(make, message):
    with pytest.raises(ValueError, match=message):
        pool(make())


def rescaled(backbone):
    pixels = keras.Input((8, 8, 3))
    x = backbone(keras.layers.Rescaling(1 / 255, name="rescale")(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(x))


def halved(backbone):
    pixels = keras.Input((8, 8, 3))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(backbone(0.5 * pixels)))


def sequential(backbone, *before):
    return keras.Sequential([keras.Input((8, 8, 3)), *before, backbone, keras.layers.GlobalAveragePooling2D()])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (rescaled, "rescale"),
        (halved, "multiply"),
        (lambda backbone: sequential(backbone, keras.layers.Rescaling(1 / 255, name="rescale")), "rescale"),
    ],
    ids=["layer", "operation", "sequential"],
)
@pytest.mark.parametrize("reloaded", [False, True])
def test_refuses_anything_between_the_input_and_the_backbone(make, name, reloaded, tmp_path):
    encoder = make(tiny())
    encoder = reload(encoder, tmp_path) if reloaded else encoder
    with pytest.raises(ValueError, match=rf"`encoder` must feed its input straight.*{name}.* between input and 'tiny'"):
        backbone_of(encoder)


@pytest.mark.parametrize("reloaded", [False, True])
def test_finds_the_backbone_in_a_sequential_encoder(reloaded, tmp_path):
    encoder = sequential(tiny())
    assert backbone_of(reload(encoder, tmp_path) if reloaded else encoder).name == "tiny"


def twins():
    pixels = keras.Input((8, 8, 3))
    both = keras.layers.Add()([tiny(name="a")(pixels), tiny(name="b")(pixels)])
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(both))


@pytest.mark.parametrize(
    ("make", "found"), [(tiny, r"\[\]"), (twins, r"\['a', 'b'\]"), (lambda: keras.layers.Dense(3), r"\[\]")]
)
def test_refuses_encoders_without_exactly_one_backbone(make, found):
    with pytest.raises(ValueError, match=f"`encoder` must hold one backbone.*nested models {found}"):
        backbone_of(make())
