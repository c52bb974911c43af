import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import augment, data, losses, objectives, optimizers
from keras_ssl.random import RowDraws

VIEWS = augment.Augmentation(augment.image.simclr_views, blur=0.0, count=1)


def tiny_model(**kwargs):
    pixels = keras.Input((8, 8, 1))
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    encoder = keras.Model(pixels, keras.layers.Dense(8)(x))
    return objectives.NPID(
        encoder, **{"examples": 16, "projection_widths": (6,), "negatives": 10, "augment": VIEWS, **kwargs}
    )


@pytest.fixture
def batch(rng):
    return {"x": rng.integers(0, 255, (16, 8, 8, 1)).astype("uint8"), "index": np.arange(16)}


def remembered(model):
    return model.bank.features.numpy()


def test_defaults_are_the_papers():
    model = objectives.NPID(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]), examples=16)
    model.compile()
    assert (model.projection_widths, model.temperature, model.negatives) == ((128,), 0.07, 4096)
    assert model.bank_momentum == model.bank.momentum == 0.5
    assert type(model.optimizer) is optimizers.CoupledSGD
    config = model.optimizer.get_config()
    assert (config["momentum"], config["weight_decay"], config["exclude"]) == (0.9, 1e-4, None)
    assert config["learning_rate"]["config"]["start"] == 0.03
    assert config["learning_rate"]["config"]["boundaries"] == [0.6, 0.8]


@pytest.mark.parametrize("proximal_weight", [0.0, 10.0])
def test_the_loss_is_that_of_the_projections_against_the_bank(batch, proximal_weight):
    model = tiny_model(proximal_weight=proximal_weight, temperature=0.3, seed=5)
    model.normalizer.assign(40.0)
    given = {"views": (batch["x"],), "index": batch["index"][::-1].copy()}
    logged = model.evaluate(given, batch_size=16, verbose=0, return_dict=True)["loss"]
    drawn = RowDraws(5, 0, 16).child("test").shared("negatives", 10).integers("index", 0, 16).numpy()
    z = model.projector(model.encoder(batch["x"].astype("float32")))
    bank = remembered(model)
    expected = losses.nce(z, bank[::-1], bank[drawn], 40.0, 16, 0.3, proximal_weight)
    assert logged == pytest.approx(float(expected), rel=1e-5)


def test_the_bank_remembers_the_examples_of_the_batch_alone(batch):
    model = tiny_model(bank_momentum=0.25)
    model.compile(keras.optimizers.SGD(0.0))
    before = remembered(model)
    index = np.array([3, 9, 14, 0])
    given = {"views": (batch["x"][:4],), "index": index}
    model.fit(given, batch_size=4, shuffle=False, verbose=0)
    z = losses.normalize(model.projector(model.encoder(batch["x"][:4].astype("float32"), training=True)))
    expected = before.copy()
    expected[index] = losses.normalize(0.25 * before[index] + 0.75 * z.numpy())
    np.testing.assert_allclose(remembered(model), expected, atol=1e-5)


def test_the_normaliser_is_that_of_the_first_batch_for_good(batch):
    model = tiny_model(temperature=0.5, seed=2)
    assert float(model.normalizer) == 0.0
    bank = remembered(model)
    model.compile(keras.optimizers.SGD(0.1))
    given = {"views": (batch["x"],), "index": batch["index"]}
    z = model.projector(model.encoder(batch["x"].astype("float32"), training=True))
    drawn = RowDraws(2, 0, 16).child("train").shared("negatives", 10).integers("index", 0, 16).numpy()
    model.fit(given, batch_size=16, shuffle=False, verbose=0)
    expected = float(losses.nce_normalizer(z, bank[drawn], 16, 0.5))
    assert float(model.normalizer) == pytest.approx(expected, rel=1e-4)
    first = float(model.normalizer)
    model.fit(given, batch_size=8, epochs=2, verbose=0)
    assert float(model.normalizer) == first


def test_the_normaliser_may_follow_the_estimates_of_later_batches(batch):
    model = tiny_model(temperature=0.5, seed=2, normalizer_momentum=0.75)
    model.compile(keras.optimizers.SGD(0.0))
    given = {"views": (batch["x"],), "index": batch["index"]}
    expected, known = [], 0.0
    for step in range(3):
        z = model.projector(model.encoder(batch["x"].astype("float32"), training=True))
        drawn = RowDraws(2, step, 16).child("train").shared("negatives", 10).integers("index", 0, 16).numpy()
        estimate = float(losses.nce_normalizer(z, remembered(model)[drawn], 16, 0.5))
        known = 0.75 * known + 0.25 * estimate if known else estimate
        model.fit(given, batch_size=16, shuffle=False, verbose=0)
        expected.append(float(model.normalizer))
        assert expected[-1] == pytest.approx(known, rel=1e-4)
    assert len(set(expected)) == 3


def test_evaluating_moves_neither_bank_nor_normaliser(batch):
    model = tiny_model()
    before = remembered(model)
    assert np.isfinite(model.evaluate(batch, batch_size=8, verbose=0)).all()
    np.testing.assert_array_equal(remembered(model), before)
    assert float(model.normalizer) == 0.0


def test_the_optimizer_does_not_know_the_bank():
    model = tiny_model()
    model.compile("sgd")
    student = [*model.encoder.trainable_variables, *model.projector.trainable_variables]
    assert [id(v) for v in model.trainable_variables] == [id(v) for v in student]


def test_replicas_and_rows_share_one_set_of_negatives(batch):
    draws = [RowDraws(0, 4, 8, replica, 2).child("train") for replica in (0, 1)]
    parts = [{name: array[rows] for name, array in batch.items()} for rows in (slice(8), slice(8, 16))]
    model = tiny_model()
    first, second = (model.views(part, rng, True) for part, rng in zip(parts, draws, strict=True))
    np.testing.assert_array_equal(first["negatives"], second["negatives"])
    assert tuple(first["negatives"].shape) == (10,)
    assert not np.array_equal(first["x"][0], second["x"][0])


def test_an_index_outside_the_bank_is_found_out(batch):
    model = tiny_model()
    batch["index"][5] = 16
    before = remembered(model)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`index` must be in \[0, 16\).*examples=16"):
        model.fit(batch, batch_size=16, verbose=0)
    np.testing.assert_array_equal(remembered(model), before)


def test_more_rows_than_examples_are_refused(batch):
    with pytest.raises(ValueError, match="`examples` must be the number of rows.*16. Received: examples=12"):
        tiny_model(examples=12).fit(batch, batch_size=4, verbose=0)


def test_a_smaller_last_batch_is_no_more_rows(batch):
    ten = {"views": (batch["x"][:10],), "index": batch["index"][:10].astype("uint8")}
    history = tiny_model(examples=10).fit(ten, batch_size=4, verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_data_without_numbers_is_refused(batch):
    with pytest.raises(ValueError, match="`x` must come with the number of each row, for NPID learns from it"):
        tiny_model().fit(batch["x"], batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"examples": 0}, "`examples` must be positive. Received: examples=0"),
        ({"temperature": 0.0}, "`temperature` must be positive. Received: temperature=0.0"),
        ({"negatives": 0}, "`negatives` must be positive. Received: negatives=0"),
        ({"normalizer_momentum": 1.5}, r"`normalizer_momentum` must be in \[0, 1\]. Received: normalizer_momentum=1.5"),
        ({"bank_momentum": 1.0}, r"`bank_momentum` must be in \[0, 1\). Received: bank_momentum=1.0"),
        ({"proximal_weight": -1}, "`proximal_weight` must not be negative. Received: proximal_weight=-1"),
    ],
)
def test_refuses(changed, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**changed)


@pytest.mark.gate
def test_learns_from_a_source_of_real_pictures():
    train = data.load("fashion_mnist_sample").take(512)
    keras.utils.set_random_seed(0)
    pixels = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(8, 3, strides=4, activation="tanh")(keras.layers.Rescaling(1 / 255)(pixels))
    x = keras.layers.BatchNormalization(momentum=0.9)(keras.layers.Dense(64)(keras.layers.Flatten()(x)))
    encoder = keras.Model(pixels, keras.layers.ReLU()(x))
    model = objectives.NPID(
        encoder, examples=512, projection_widths=(16,), temperature=0.2, negatives=256, augment=VIEWS
    )
    model.compile(keras.optimizers.Adam(1e-3))
    history = model.fit(train, batch_size=32, epochs=12, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert history["embedding_std"][-1] > 0.5 / np.sqrt(16)
    z = losses.normalize(model.projector(model.encoder(train.images(np.arange(512)).astype("float32")))).numpy()
    found = (z @ remembered(model).T).argmax(axis=1) == np.arange(512)
    assert found.mean() > 10 / 512  # ten times chance
