import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import augment, data, losses, objectives, optimizers


def encoder():
    pixels = keras.Input((4, 4, 1))
    return keras.Model(pixels, keras.layers.Dense(6)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))))


@keras.saving.register_keras_serializable("keras_ssl_tests")
def plain_and_negative(x, rng):
    x = keras.ops.cast(x, "float32")
    return x, 255.0 - x


def tiny_model(**kwargs):
    options = {"examples": 16, "projection_widths": (4,), "cluster_counts": (2, 3), "temperature": 0.5}
    views = augment.Augmentation(plain_and_negative)
    return objectives.DeepClusterV2(encoder(), **{**options, "augment": views, **kwargs})


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 255, (16, 4, 4, 1)).astype("uint8")


def batch_of(pictures, index=None):
    return {"x": pictures, "index": np.arange(len(pictures)) if index is None else np.asarray(index)}


def unit_projections(model, x):
    return losses.normalize(model.projector(model.encoder(x.astype("float32")))).numpy()


def cross_entropy(model, pictures, clusters):
    """Of all views against these clusters, row by row."""
    total, count = 0.0, 0
    for view in plain_and_negative(pictures, None):
        z = unit_projections(model, np.asarray(view))
        for number, centroids in enumerate(model.centroids):
            logits = z @ centroids.numpy().T / model.temperature
            for row, mine in zip(logits, clusters[:, number], strict=True):
                if mine >= 0:
                    total, count = total + np.log(np.exp(row).sum()) - row[mine], count + 1
    return total / count


def test_defaults_are_the_papers():
    model = objectives.DeepClusterV2(encoder(), examples=3000)
    model.compile()
    assert (model.projection_widths, model.cluster_counts, model.temperature) == ((2048, 128), (3000,) * 3, 0.1)
    assert type(model.optimizer) is optimizers.LARS
    rate = model.optimizer.get_config()["learning_rate"]["config"]
    assert (rate["peak"], rate["end"], rate["warmup_epochs"]) == (0.3, 3e-4, 10)
    assert model.augment is augment.image.swav_views


def test_each_epoch_begins_with_clusters_of_the_pictures_as_they_are(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.0))
    model.on_epoch_start([batch_of(pictures[8:], range(8, 16)), batch_of(pictures[:8])])
    z = unit_projections(model, pictures)
    for number, centroids in enumerate(model.centroids):
        assert centroids.shape == (model.cluster_counts[number], 4)
        nearest = np.argmax(z @ centroids.numpy().T, axis=1)
        np.testing.assert_array_equal(model.assignments.numpy()[:, number], nearest)
        for k in set(nearest):
            mean = z[nearest == k].sum(axis=0)
            np.testing.assert_allclose(centroids.numpy()[k], mean / np.linalg.norm(mean), atol=1e-5)


def test_the_loss_looks_clusters_up_by_index_and_leaves_out_what_has_none(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.0))
    model.on_epoch_start([batch_of(pictures)])
    clusters = np.random.default_rng(1).integers(0, 2, (16, 2))
    clusters[5] = -1
    model.assignments.assign(clusters)
    index = np.random.default_rng(2).permutation(16)
    logged = model.train_on_batch(batch_of(pictures[index], index), return_dict=True)["loss"]
    # The projector ends without batch statistics, so that training and rest are alike.
    assert float(logged) == pytest.approx(cross_entropy(model, pictures, clusters), rel=1e-5)


def test_evaluates_pictures_that_were_never_clustered_by_their_nearest_centroid(pictures, rng):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.0))
    model.on_epoch_start([batch_of(pictures)])
    others = rng.integers(0, 255, (8, 4, 4, 1)).astype("uint8")
    z = unit_projections(model, others)
    nearest = np.stack([np.argmax(z @ centroids.numpy().T, axis=1) for centroids in model.centroids], axis=1)
    logged = model.evaluate(batch_of(others, range(100, 108)), batch_size=8, verbose=0, return_dict=True)["loss"]
    assert logged == pytest.approx(cross_entropy(model, others, nearest), rel=1e-5)


def test_centroids_and_clusters_are_no_weights_of_the_optimizer_and_move_between_epochs_only(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.5, momentum=0.9))
    held = {id(variable) for variable in (*model.centroids, model.assignments)}
    model.trainable = False
    model.trainable = True
    assert not held & {id(variable) for variable in model.trainable_variables}
    seen = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(np.concatenate([centroids.numpy() for centroids in model.centroids]))

    model.fit(batch_of(pictures), batch_size=8, epochs=2, callbacks=[Look()], verbose=0)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[2], seen[3])
    assert np.abs(seen[1] - seen[2]).max() > 1e-3


def test_the_pass_is_traced_once_however_many_epochs(pictures):
    model = tiny_model(k_means_iterations=1)
    model.compile(keras.optimizers.SGD(0.1))
    source = data.ArraySource(pictures, name="tiny")
    model.fit(source, batch_size=8, epochs=3, verbose=0)
    assert model._project_at_rest.experimental_get_tracing_count() == 1
    assert model._adopt.experimental_get_tracing_count() == 1
    assert (model.assignments.numpy() >= 0).all()


def test_replicas_adopt_the_same(pictures, two_replicas):
    single = tiny_model(seed=2)
    with two_replicas.scope():
        several = tiny_model(seed=2)
    several.set_weights(single.get_weights())
    for model in (single, several):
        model.on_epoch_start([batch_of(pictures)])
    for variable, expected in zip(
        [*several.centroids, several.assignments], [*single.centroids, single.assignments], strict=True
    ):
        copies = two_replicas.experimental_local_results(variable.value)
        assert len(copies) == 2
        for copy in copies:
            np.testing.assert_array_equal(copy.numpy(), expected.numpy())


def test_a_pass_that_is_not_finite_leaves_the_clusters(pictures):
    model = tiny_model()
    model.compile(keras.optimizers.SGD(0.1))
    model.on_epoch_start([batch_of(pictures)])
    before = model.assignments.numpy()
    broken = np.where(np.arange(16)[:, None, None, None] == 3, np.nan, pictures.astype("float32"))
    with pytest.raises(FloatingPointError, match="DeepClusterV2 became NaN"):
        model.fit(tf.data.Dataset.from_tensor_slices(batch_of(broken)).batch(8), verbose=0)
    np.testing.assert_array_equal(model.assignments.numpy(), before)


def test_refuses_data_without_numbers_and_numbers_beyond_the_examples(pictures):
    with pytest.raises(ValueError, match="must come with the number of each row, for DeepClusterV2"):
        tiny_model().fit(pictures, batch_size=8, verbose=0)
    message = "`examples` must be above every `index` in the data, which go from 0 to 15. Received: examples=10"
    with pytest.raises(ValueError, match=message):
        tiny_model(examples=10).fit(batch_of(pictures), batch_size=8, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"temperature": 0}, "`temperature` must be positive. Received: temperature=0"),
        ({"k_means_iterations": -1}, "`k_means_iterations` must not be negative. Received: k_means_iterations=-1"),
        ({"cluster_counts": (2, 0)}, "`cluster_counts` must be positive. Received: cluster_counts=0"),
        ({"examples": 2}, "`examples` must be at least the clusters of a clustering, 3. Received: examples=2"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_model(**arguments)


def test_refuses_an_epoch_of_fewer_rows_than_clusters(pictures):
    with pytest.raises(ValueError, match=r"`cluster_counts` must be at most the rows of the data, 8.*\(2, 12\)"):
        tiny_model(cluster_counts=(2, 12)).fit(batch_of(pictures[:8]), batch_size=8, verbose=0)
