import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import losses, random
from keras_ssl.objectives import SimCSE
from keras_ssl.objectives.contrastive import sim_cse


@keras.saving.register_keras_serializable("tests")
def halves(x, rng):
    """The first and the second half of a text."""
    length = x["token_ids"].shape[1] // 2
    return tuple({"token_ids": half} for half in (x["token_ids"][:, :length], x["token_ids"][:, length:]))


@pytest.fixture
def model(wide_bert, tokenizer):
    model = SimCSE(wide_bert(dropout=0.1), tokenizer, seed=3)
    model.compile(keras.optimizers.SGD(0.1))
    return model


def vectors(model, token_ids):
    """Unit vectors behind the head, without dropout."""
    z = np.asarray(model.project({"token_ids": token_ids}, training=False), "float64")
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def text(row):
    return tuple(int(one) for one in row if one != 0)


def oracle(model, first, second, hard=None):
    """Equations 4 and 5 of the paper, text by text, without candidates that are copies."""
    z0, z1 = vectors(model, first), vectors(model, second)
    total = 0.0
    for i in range(len(first)):
        mine = {text(first[i]), text(second[i])}
        own = np.exp(z0[i] @ z1[i] / model.temperature)
        others = sum(
            np.exp(z0[i] @ z1[j] / model.temperature)
            for j in range(len(first))
            if j != i and text(second[j]) not in mine and text(first[j]) != text(first[i])
        )
        if hard is not None:
            z2 = vectors(model, hard)
            others += sum(
                np.exp(z0[i] @ z2[j] / model.temperature) for j in range(len(hard)) if text(hard[j]) not in mine
            )
        total -= np.log(own / (own + others))
    return total / len(first)


def loss_of(model, *views):
    return model.evaluate({"views": views}, batch_size=len(views[0]), verbose=0, return_dict=True)["loss"]


def test_the_loss_is_the_papers(model, sentences):
    model.temperature = 0.01  # tells apart what is much alike in so small a model
    first, second, hard = sentences[:8], sentences[8:16, :9], sentences[16:24]
    assert loss_of(model, first, second) == pytest.approx(oracle(model, first, second), rel=1e-4)
    assert loss_of(model, first, second, hard) == pytest.approx(oracle(model, first, second, hard), rel=1e-4)
    assert abs(loss_of(model, first, second) - loss_of(model, second, first)) > 0.01  # one way


def test_copies_are_no_negatives(model, sentences):
    first, second, hard = (sentences[rows : rows + 6].copy() for rows in (0, 6, 12))
    second[1] = second[0]  # a partner twice
    first[3] = first[2]  # a text twice, with two partners
    second[5] = first[4]  # another's first text
    hard[0] = second[3]
    hard[1] = first[5]
    logits = model.forward(({"token_ids": first}, {"token_ids": second}, {"token_ids": hard}), False)["logits"]
    out = {(int(row), int(column)) for row, column in np.argwhere(np.asarray(logits) < -1e8)}
    assert out == {(0, 1), (1, 0), (2, 3), (3, 2), (4, 5), (3, 6), (5, 7)}
    assert loss_of(model, first, second, hard) == pytest.approx(oracle(model, first, second, hard), rel=1e-4)


def test_the_positive_stays_where_a_pair_is_twice_the_same_text(model, sentences):
    logits = model.forward(({"token_ids": sentences[:4]},), True)["logits"]
    assert np.asarray(logits).min() > -1e8
    doubled = np.repeat(sentences[:2], 2, axis=0)
    logits = np.asarray(model.forward(({"token_ids": doubled},), True)["logits"])
    assert {(int(row), int(column)) for row, column in np.argwhere(logits < -1e8)} == {(0, 1), (1, 0), (2, 3), (3, 2)}


def test_padding_makes_no_other_text_and_order_does():
    rows = np.array([[5, 6, 7, 0], [5, 7, 6, 0], [5, 6, 0, 0], [5, 6, 7, 8], [5, 6, 7, 0]], "int32")
    numbers = sim_cse._fingerprints(rows, 0).numpy()
    assert numbers[0] == numbers[4]
    assert len(set(numbers.tolist())) == 4
    np.testing.assert_array_equal(sim_cse._fingerprints(np.pad(rows, [(0, 0), (0, 3)]), 0), numbers)


def test_no_two_of_many_texts_have_one_number(rng):
    rows = np.unique(rng.integers(0, 3, (20_000, 12)), axis=0)
    assert len(np.unique(sim_cse._fingerprints(rows, -1).numpy())) == len(rows)


def test_two_passes_differ_by_dropout_alone(model, sentences):
    for training in (True, False):
        z0, z1 = np.split(np.asarray(model.forward(({"token_ids": sentences},), training)["z"]), 2)
        assert np.abs(z0 - z1).max(axis=1).min() > 1e-3
    given = model.forward(({"token_ids": sentences}, {"token_ids": sentences}), training=False)
    np.testing.assert_array_equal(*np.split(np.asarray(given["z"]), 2))


def test_evaluate_has_dropout_on_and_repeats_exactly(model, sentences):
    first, second = (model.evaluate(sentences, batch_size=8, verbose=0, return_dict=True) for _ in range(2))
    assert first == second
    assert first["alignment"] > 1e-3


def test_the_two_passes_differ_in_a_compiled_step_too(model, sentences):
    assert model.fit(sentences, batch_size=8, verbose=0).history["alignment"][0] > 1e-3


def test_the_head_stays_behind(model):
    texts = ["the cat", "a dog"]
    encoded = np.asarray(model.encoder(model.inputs_of(model.ids_of(texts))))
    np.testing.assert_allclose(model.embed(texts), encoded, atol=1e-5)
    assert np.abs(encoded - np.asarray(model.project({"token_ids": model.ids_of(texts)}, False))).max() > 0.1
    weights = {id(variable) for variable in model.trainable_variables}
    assert all(id(variable) in weights for variable in model.head.variables)


def test_other_poolings_have_no_head(wide_bert, table, sentences):
    model = SimCSE(wide_bert(), tokens=table, pooling="avg")
    assert model.head is None
    features = np.asarray(model.encoder(model.inputs_of(sentences)))
    np.testing.assert_array_equal(model.project({"token_ids": sentences}, False), features)


def test_segments_reach_the_backbone(model, sentences):
    view = {"token_ids": sentences, "segment_ids": tf.ones_like(sentences)}
    assert np.abs(model.project(view, False) - model.project({"token_ids": sentences}, False)).max() > 1e-3


def test_an_augmentation_makes_the_views(wide_bert, table, sentences):
    model = SimCSE(wide_bert(), tokens=table, augment=halves)
    first, second = model.views({"x": {"token_ids": sentences}}, random.RowDraws(0, 0, len(sentences)), True)
    np.testing.assert_array_equal(first["token_ids"], sentences[:, :6])
    np.testing.assert_array_equal(second["token_ids"], sentences[:, 6:])


@pytest.mark.parametrize("with_negatives", [False, True])
@pytest.mark.gate
def test_two_replicas_are_one_batch_with_copies_between_them(with_negatives, wide_bert, table, sentences, two_replicas):
    first, second, hard = sentences[:16].copy(), sentences[16:, :9].copy(), sentences[:16, ::-1].copy()
    second[5], first[14] = second[0], first[8]  # on the other replica
    views = (first, second, hard) if with_negatives else (first, second)
    data = tf.data.Dataset.from_tensor_slices({"views": views}).batch(8, drop_remainder=True)

    def compiled():
        keras.utils.set_random_seed(1)
        model = SimCSE(wide_bert(), tokens=table, seed=3)
        model.compile(keras.optimizers.SGD(0.01))
        return model

    single = compiled()
    with two_replicas.scope():
        several = compiled()
    logged = [model.fit(data, verbose=0).history for model in (single, several)]
    for name, values in logged[0].items():
        assert values == pytest.approx(logged[1][name], rel=1e-5), name
    for one, other in zip(single.trainable_variables, several.trainable_variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)


@pytest.mark.gate
def test_it_comes_back(tmp_path, wide_bert, tokenizer, sentences):
    model = SimCSE(wide_bert(dropout=0.1), tokenizer, temperature=0.1, augment=halves)
    model.compile()
    model.fit(sentences, batch_size=8, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert (again.temperature, again.augment) == (0.1, halves)
    first, second = (one.fit(sentences, batch_size=8, verbose=0).history["loss"] for one in (model, again))
    assert first == second


def test_defaults_are_the_papers(tiny_bert, table):
    model = SimCSE(tiny_bert(), tokens=table)
    model.compile()
    assert (model.temperature, model.pooling) == (0.05, "cls")
    settings = model.optimizer.get_config()
    assert settings["learning_rate"]["config"]["peak"] == 3e-5
    assert (settings["weight_decay"], settings["global_clipnorm"]) == (0.0, 1.0)


def test_logs_accuracy_and_alignment(model):
    z = tf.constant(np.eye(4, dtype="float32"))
    for other, accuracy, alignment in ((z, 1.0, 0.0), (tf.roll(z, 1, axis=0), 0.0, 2.0)):
        logits, partners = losses.info_nce_logits(z, other, temperature=0.05)
        found = model.diagnostics({"z": tf.concat([z, other], 0), "logits": logits, "partners": partners})
        assert (float(found["accuracy"]), float(found["alignment"])) == (accuracy, pytest.approx(alignment))


def test_refuses_texts_without_anything_to_tell_them_apart(tiny_bert, table, sentences):
    model = SimCSE(tiny_bert(), tokens=table)
    with pytest.raises(ValueError, match="`x` must come as pairs.*or the backbone must have dropout"):
        model.fit(sentences, batch_size=8, verbose=0)


@pytest.mark.parametrize("count", [1, 4])
def test_refuses_views(model, sentences, count):
    with pytest.raises(ValueError, match=f"`views` must be a pair, or a pair and a hard.*Received: {count} views"):
        model.fit({"views": (sentences,) * count}, batch_size=8, verbose=0)


def test_refuses_one_row(model, sentences):
    with pytest.raises(ValueError, match="`batch_size` must be at least 2 for SimCSE"):
        model.fit(sentences[:1], verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0.0}, "`temperature` must be positive. Received: temperature=0.0"),
        ({"augment": 3}, r"`augment` must be a function of \(x, rng\). Received: augment=3"),
    ],
)
def test_refuses_arguments(tiny_bert, table, arguments, message):
    with pytest.raises(ValueError, match=message):
        SimCSE(tiny_bert(), tokens=table, **arguments)
