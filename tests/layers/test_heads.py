import keras
import numpy as np
import pytest

from keras_ssl.layers import MultiLayerPerceptron, PredictionHead, ProjectionHead

every_head = pytest.mark.parametrize("kind", [MultiLayerPerceptron, ProjectionHead, PredictionHead])


def inner(head, kind):
    return [layer for layer in head.stack.layers if isinstance(layer, kind)]


@every_head
@pytest.mark.parametrize("widths", [(3,), (8, 3), (8, 5, 3)])
@pytest.mark.parametrize("normalize_output", [False, True])
def test_is_built_at_once_and_maps_to_the_last_width(kind, widths, normalize_output):
    head = kind(4, widths, normalize_output)
    assert head.built
    assert head.output_dim == 3
    assert [dense.units for dense in inner(head, keras.layers.Dense)] == list(widths)
    assert head(np.ones((2, 4), "float32")).shape == (2, 3)
    assert head.compute_output_shape((None, 4)) == (None, 3)
    assert head(keras.Input((4,))).shape == (None, 3)


@pytest.mark.parametrize(("normalize_output", "biases"), [(False, [False, False, True]), (True, [False, False, False])])
def test_has_a_bias_only_where_no_normalisation_follows(normalize_output, biases):
    head = ProjectionHead(4, (8, 5, 3), normalize_output)
    assert [dense.use_bias for dense in inner(head, keras.layers.Dense)] == biases
    assert len(inner(head, keras.layers.BatchNormalization)) == biases.count(False)
    assert len(inner(head, keras.layers.Activation)) == 2  # none behind the output


def test_equals_its_layers_written_out(rng):
    head = ProjectionHead(4, (6, 3), normalize_output=True)
    head.set_weights([rng.uniform(0.5, 1.5, size=v.shape) for v in head.weights])
    x = rng.normal(size=(5, 4)).astype("float32")
    (kernel_0, kernel_1), norms = (
        [d.kernel.numpy() for d in inner(head, keras.layers.Dense)],
        inner(head, keras.layers.BatchNormalization),
    )

    def normalize(h, norm, training):
        mean, variance = (h.mean(0), h.var(0)) if training else (norm.moving_mean, norm.moving_variance)
        return (h - np.asarray(mean)) / np.sqrt(np.asarray(variance) + 1e-5) * norm.gamma.numpy() + norm.beta.numpy()

    for training in (False, True):
        hidden = np.maximum(normalize(x @ kernel_0, norms[0], training), 0)
        expected = normalize(hidden @ kernel_1, norms[1], training)
        np.testing.assert_allclose(head(x, training=training).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_moving_statistics_follow_with_the_momentum_of_the_papers(rng):
    head = ProjectionHead(4, (6, 3))
    x = rng.normal(size=(5, 4)).astype("float32")
    (norm,) = inner(head, keras.layers.BatchNormalization)
    batch = (x @ inner(head, keras.layers.Dense)[0].kernel.numpy()).mean(0)
    head(x, training=True)
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.1 * batch, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("synchronized", [False, True])
def test_synchronized_reaches_every_normalisation(synchronized):
    head = ProjectionHead(4, (8, 3), normalize_output=True, synchronized=synchronized)
    assert [norm.synchronized for norm in inner(head, keras.layers.BatchNormalization)] == [synchronized] * 2


@pytest.mark.parametrize("as_argument", [False, True])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16", "float64"])
def test_dtype_policy_reaches_every_layer(policy, as_argument):
    if not as_argument:
        keras.config.set_dtype_policy(policy)
    head = ProjectionHead(4, (8, 3), dtype=policy if as_argument else None)
    assert all(layer.dtype_policy.name == policy for layer in head.stack.layers)
    assert keras.backend.standardize_dtype(head(np.ones((2, 4), "float32")).dtype) == head.compute_dtype


@every_head
def test_round_trips_through_its_config(kind):
    head = kind(4, (8, 3), normalize_output=True, synchronized=False, name="mine", dtype="mixed_bfloat16")
    loaded = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(head))
    assert type(loaded) is kind
    assert loaded.get_config() == head.get_config()
    assert (loaded.name, loaded.widths, loaded.dtype_policy.name) == ("mine", (8, 3), "mixed_bfloat16")
    assert [v.shape for v in loaded.weights] == [v.shape for v in head.weights]


def test_is_saved_within_a_model(rng, tmp_path):
    x = rng.normal(size=(5, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), ProjectionHead(4, (8, 3)), PredictionHead(3, (2,))])
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize("widths", [(), (0,), (8, -1)])
def test_refuses_widths_that_are_none(widths):
    with pytest.raises(ValueError, match=r"`widths` must name at least one positive width.*Received: widths="):
        ProjectionHead(4, widths)


def test_without_batch_normalisation_the_layers_have_biases(rng):
    head = ProjectionHead(3, (4, 2), batch_normalization=False, activation="gelu")
    assert [tuple(weight.shape) for weight in head.weights] == [(3, 4), (4,), (4, 2), (2,)]
    x = rng.normal(size=(5, 3)).astype("float32")
    w0, b0, w1, b1 = head.get_weights()
    expected = keras.activations.gelu(x @ w0 + b0).numpy() @ w1 + b1
    np.testing.assert_allclose(head(x), expected, atol=1e-5)


def test_an_output_normalisation_without_scale_has_no_weights_to_learn():
    head = ProjectionHead(3, (4, 2), normalize_output=True, scale_output=False, center_output=False)
    assert [weight.name for weight in head.trainable_weights] == ["kernel", "gamma", "beta", "kernel"]
    assert ProjectionHead.from_config(head.get_config()).scale_output is False


def test_an_output_normalisation_may_have_a_scale_alone():
    head = ProjectionHead(3, (4, 2), normalize_output=True, center_output=False)
    assert [weight.name for weight in head.trainable_weights] == ["kernel", "gamma", "beta", "kernel", "gamma"]
    assert ProjectionHead.from_config(head.get_config()).center_output is False
