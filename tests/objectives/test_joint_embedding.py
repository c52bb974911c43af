"""What the shared bases of objectives over views do."""

import keras
import numpy as np
import pytest

from keras_ssl import data, losses, objectives
from keras_ssl.objectives import checks


def encoder():
    pixels = keras.Input((None, None, 1))
    maps = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(pixels))
    return keras.Model(pixels, keras.layers.GlobalAveragePooling2D()(maps))


class Crops(objectives.JointEmbeddingModel):
    terms = ("distance",)
    view_counts = (2, None)

    def forward(self, views, training):
        projections = self.project(views, training)
        return {"z": projections[0], "other": projections[-1]}

    def objective(self, outputs):
        return {"distance": losses.negative_cosine(outputs["z"], outputs["other"])}


class Labelled(Crops):
    uses_labels = True


class Indexed(Crops):
    uses_index = True


@pytest.fixture(scope="module")
def pictures():
    return data.load("fashion_mnist_sample").images(np.arange(8))[:, ::2, ::2]


def test_neighbouring_views_of_one_shape_share_a_pass(pictures):
    model = Crops(encoder(), projection_widths=(3,))
    pictures = pictures.astype("float32")
    views = [pictures, pictures[::-1] * 2, pictures[:, 4:, 4:], pictures * 3]
    found = model.encode_views(views, training=True)
    together = model.encode(np.concatenate(views[:2]), training=True)
    np.testing.assert_allclose(np.concatenate(found[:2]), together, atol=1e-5)
    for feature, view in zip(found[2:], views[2:], strict=True):
        np.testing.assert_allclose(feature, model.encode(view, training=True), atol=1e-5)
    # batch statistics are shared: a view on its own gives something else
    assert not np.allclose(found[0], model.encode(views[0], training=True), atol=1e-3)


def test_the_number_of_views_is_checked(pictures):
    model = Crops(encoder())
    assert len(model.views({"views": (pictures,) * 5}, None, True)) == 5
    with pytest.raises(ValueError, match="must be at least 2 in number for Crops. Received: 1 views"):
        model.views({"views": (pictures,)}, None, True)


def test_heads_are_made_and_saved():
    model = Crops(encoder(), projection_widths=(6, 3), prediction_widths=(5, 3))
    assert (model.z_dim, model.predictor.widths) == (3, (5, 3))
    assert Crops.from_config(model.get_config()).predictor.widths == (5, 3)
    plain = Crops(encoder())
    assert plain.predictor is None
    assert plain.projection_widths == (4, 128)
    assert "prediction_widths" not in plain.get_config()
    with pytest.raises(ValueError, match=r"must end in the projection's width, 3. Received: prediction_widths=\(5,\)"):
        Crops(encoder(), projection_widths=(3,), prediction_widths=(5,))
    with pytest.raises(ValueError, match=r"must end in the projection's width, 3. Received: prediction_widths=\(\)"):
        Crops(encoder(), projection_widths=(3,), prediction_widths=())


@pytest.mark.parametrize(("kind", "wanted"), [(Labelled, "labels.*'y'"), (Indexed, "the number of each row.*'index'")])
def test_what_an_objective_learns_from_must_be_there(pictures, kind, wanted):
    with pytest.raises(ValueError, match=f"`x` must come with {wanted}.*Received: a batch of"):
        kind(encoder(), projection_widths=(3,)).fit(pictures, batch_size=4, verbose=0)


def test_views_of_different_length_are_refused(pictures):
    with pytest.raises(ValueError, match=r"must have as many rows in each array. Received: \[4, 8\] rows"):
        Crops(encoder(), projection_widths=(3,)).fit({"views": (pictures, pictures[:4])}, batch_size=4, verbose=0)


def test_epochs_are_counted_in_updates(pictures):
    model = Crops(encoder(), projection_widths=(3,), augment=lambda x, rng: (x, x))
    assert float(model.epochs_done()) == 0.0
    model.fit(pictures, batch_size=4, epochs=2, verbose=0)
    assert float(model.epochs_done()) == 2.0


@pytest.mark.parametrize(
    ("size", "limit"), [(3, "at least the rows of a global batch, 4"), (101, "at most the rows of the data, 100")]
)
def test_a_queue_must_hold_a_batch_and_no_picture_twice(size, limit):
    checks.check_queue(4, rows=100, batch_size=4)
    checks.check_queue(100, rows=100, batch_size=4)
    checks.check_queue(101, rows=None, batch_size=4)  # endless data do not tell
    with pytest.raises(ValueError, match=f"`queue_size` must be {limit}.*Received: queue_size={size}"):
        checks.check_queue(size, rows=100, batch_size=4)


def test_the_rows_of_the_data_are_told_whatever_the_steps_of_an_epoch(pictures):
    seen = []

    class Asking(Crops):
        def check_data(self, rows, batch_size):
            super().check_data(rows, batch_size)
            seen.append((rows, batch_size))

    model = Asking(encoder(), projection_widths=(3,), augment=lambda x, rng: (x, x))
    batches = data.load(pictures).batches(2)
    for x, settings in (
        (pictures, {"batch_size": 4}),
        (data.load(pictures), {"batch_size": 4, "steps_per_epoch": 1}),
        (batches.take(3), {"steps_per_epoch": 1}),
        (batches, {"steps_per_epoch": 1}),
    ):
        model.fit(x, verbose=0, **settings)
    assert seen == [(8, 4), (8, 4), (6, 2), (None, 2)]


def test_an_objective_that_predicts_needs_a_head_for_it():
    with pytest.raises(ValueError, match="`prediction_widths` must name at least one width, for BYOL predicts"):
        objectives.BYOL(encoder(), prediction_widths=None)
