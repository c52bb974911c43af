"""What holds for every objective that writes one text from another."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import backbones, objectives, random

NAMES = ("SpanCorruption", "TextInfilling", "TSDAE")


@pytest.fixture
def make(tiny_t5, tiny_bart, tiny_bert, tokenizer):
    """A function that makes the objective of a name."""
    deep_bert = functools.partial(tiny_bert, num_layers=2)  # what the first layer hides the second must hide too
    kinds = dict(zip(NAMES, (tiny_t5, tiny_bart, deep_bert), strict=True))
    return lambda name, **options: getattr(objectives, name)(kinds[name](), tokenizer, seed=3, **options)


@pytest.fixture(params=NAMES)
def model(make, request):
    model = make(request.param)
    for variable in model.trainable_variables:  # fresh ones hardly look at what they attend to
        if len(variable.shape) > 1:
            variable.assign(variable * 5.0)
    return model


def views_of(model, sentences):
    return model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), training=True)


def test_the_loss_is_the_mean_over_what_is_written(model, sentences):
    outputs = model.forward(views_of(model, sentences), training=False)
    logits, labels = np.asarray(outputs["logits"], "float64"), np.asarray(outputs["labels"])
    largest = logits.max(axis=-1)
    losses = np.log(np.exp(logits - largest[..., None]).sum(axis=-1)) + largest
    losses -= np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    written = labels != 0
    terms = model.objective(outputs)
    (found,) = terms.values()
    np.testing.assert_allclose([float(one) for one in found], [losses[written].sum(), written.sum()], rtol=1e-5)
    right = (logits.argmax(axis=-1) == labels)[written].sum()
    diagnostics = model.diagnostics({**outputs, "terms": terms})
    np.testing.assert_allclose([float(one) for one in diagnostics["accuracy"]], [right, written.sum()])
    assert diagnostics["perplexity"] is found


def test_each_place_is_written_from_those_before_it_alone(model, sentences):
    """Its logits are those for a prefix that ends with the label before it, and begins with the first id."""
    views = views_of(model, sentences)
    logits, labels = np.asarray(model.forward(views, training=False)["logits"]), np.asarray(views["labels"])
    for place in (0, 1, labels.shape[1] // 2):
        prefix = np.concatenate([np.full((32, 1), model.first_id), labels[:, :place]], axis=1).astype("int32")
        alone = model.decode(views["token_ids"], tf.constant(prefix))[1]
        np.testing.assert_allclose(logits[:, place], alone[:, -1], rtol=1e-4, atol=1e-4)


def test_a_later_label_changes_no_earlier_logits(model, sentences):
    views = views_of(model, sentences)
    first = np.asarray(model.forward(views, training=False)["logits"])
    labels = np.asarray(views["labels"]).copy()
    labels[:, 2] = 5 + (labels[:, 2] - 4) % 20
    second = np.asarray(model.forward({**views, "labels": tf.constant(labels)}, training=False)["logits"])
    np.testing.assert_array_equal(first[:, :3], second[:, :3])
    assert (np.abs(first[:, 3] - second[:, 3]).max(axis=-1) > 1e-4).all()


def test_padding_changes_nothing(model, sentences):
    views = views_of(model, sentences)
    first = model.forward(views, training=False)
    padded = {name: tf.pad(one, [[0, 0], [0, 2]]) for name, one in views.items()}
    second = model.forward(padded, training=False)
    np.testing.assert_allclose(first["z"], second["z"], atol=1e-4)
    for one, other in zip(*(next(iter(model.objective(outputs).values())) for outputs in (first, second)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_what_is_read_makes_a_difference(model, sentences):
    views = views_of(model, sentences)
    other = {**views, "token_ids": tf.roll(views["token_ids"], 1, axis=0)}
    first, second = (np.asarray(model.forward(one, training=False)["logits"]) for one in (views, other))
    assert np.abs(first - second).max() > 1e-3


def test_the_encoder_sees_what_the_model_sees(model, sentences):
    views = views_of(model, sentences)
    z = model.forward(views, training=False)["z"]
    np.testing.assert_allclose(model.encoder(model.inputs_of(views["token_ids"])), z, atol=1e-4)
    np.testing.assert_allclose(model(np.asarray(views["token_ids"])), z, atol=1e-4)
    assert set(model.encoder.input) <= {"token_ids", "padding_mask", "segment_ids"}


def test_no_decoder_is_left_in_the_encoder(model):
    own = {id(variable) for variable in model.encoder.variables}
    assert own < {id(variable) for variable in model.variables}
    assert backbones.backbone_of(model.encoder) is model.text_encoder
    assert not any("decoder" in variable.path for variable in model.encoder.variables)


@pytest.mark.gate
@pytest.mark.parametrize("name", NAMES)
def test_it_comes_back_with_tokenizer_and_optimizer(tmp_path, make, name, sentences):
    model = make(name, rate=0.4)
    model.compile()
    model.fit(sentences, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.rate == 0.4
    texts = ["the cat saw a dogs", "birds"]
    np.testing.assert_array_equal(again.embed(texts), model.embed(texts))
    model.encoder.save(tmp_path / "encoder.keras")
    encoder = keras.models.load_model(tmp_path / "encoder.keras")
    inputs = model.inputs_of(model.ids_of(texts))
    np.testing.assert_array_equal(encoder(inputs), model.encoder(inputs))
    first, second = (one.fit(sentences, batch_size=8, verbose=0).history["loss"] for one in (model, again))
    assert first == second


@pytest.mark.gate
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_to_write_one_text(make, name, sentences):
    """Enough to write two texts by heart: the prefix and what is read tell them apart."""
    model = make(name)
    model.compile(keras.optimizers.Adam(1e-2))
    logs = model.fit(np.tile(sentences[:2], (64, 1)), batch_size=16, epochs=15, verbose=0).history
    assert logs["loss"][-1] < 0.5 * logs["loss"][0]
    assert logs["perplexity"][-1] == pytest.approx(np.exp(logs["loss"][-1]), rel=0.1)


@pytest.mark.parametrize("name", NAMES[:2])
def test_refuses_a_backbone_without_decoder(name, tiny_bert, tokenizer):
    with pytest.raises(ValueError, match="`backbone` must be an encoder-decoder .* T5Backbone or BartBackbone"):
        getattr(objectives, name)(tiny_bert(), tokenizer)


def test_refuses_t5_in_float16(tiny_t5, tokenizer):
    with pytest.raises(ValueError, match="`backbone` must not compute in float16.* Received: .*'mixed_float16'"):
        objectives.SpanCorruption(tiny_t5(dtype="mixed_float16"), tokenizer)


def test_unseen_lengths_need_no_new_trace(model, sentences):
    def batches():
        yield from (sentences[:8], sentences[8:16, :10], sentences[16:24, :9])

    data = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((8, None), "int32"))
    model.compile("sgd")
    model.fit(data.apply(tf.data.experimental.assert_cardinality(3)), verbose=0)
    assert int(model.optimizer_steps()) == 3
