import numpy as np
import pytest

from keras_ssl.runs import neighbours
from keras_ssl.runs import report_figure as draw

HISTORY = [{"epoch": epoch, "loss": 5.0 - epoch, "embedding_std": 0.1, "knn": 0.1 * epoch} for epoch in (1, 2, 3)]
GREEN, RED = (0x15 / 255, 0x80 / 255, 0x3D / 255, 1), (0xDC / 255, 0x26 / 255, 0x26 / 255, 1)


@pytest.fixture(autouse=True)
def quick_map(monkeypatch):
    monkeypatch.setattr(neighbours, "flat_map", lambda embeddings: embeddings[:, :2])


@pytest.fixture
def clusters(rng):
    labels = np.repeat(np.arange(3), 10)
    embeddings = 5.0 * np.eye(3, 8)[labels] + 0.1 * rng.normal(size=(30, 8))
    return embeddings, rng.integers(0, 256, (30, 5, 4, 1), "uint8"), labels


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def lines(axes):
    return [list(line.get_ydata()) for line in axes.lines]


def test_curves_with_what_they_are_to_be_compared_with(clusters):
    figure = draw(HISTORY, *clusters, z_dim=64, baselines={"raw pixels": 0.25, "random encoder": 0.15})
    loss, health, knn, _, _ = figure.axes
    assert lines(loss) == [[4.0, 3.0, 2.0]]
    assert lines(health) == [[0.1] * 3, [0.125] * 2]
    assert lines(knn) == [pytest.approx([0.1, 0.2, 0.3]), [0.25] * 2, [0.15] * 2]


def test_epochs_that_were_not_measured_are_no_points(clusters):
    measured = [(0.5, 3.0), (0.5, 3.0), (0.6, 4.0), (0.6, 4.0), (0.6, 5.0)]
    history = [{"epoch": i + 1, "loss": 1.0, "knn": knn, "rankme": rank} for i, (knn, rank) in enumerate(measured)]
    knn = draw(history, *clusters).axes[2].lines[0]
    assert knn.get_xdata().tolist() == [1, 3, 5]
    assert knn.get_ydata().tolist() == [0.5, 0.6, 0.6]


def test_a_loss_that_is_not_finite_is_no_point(clusters):
    history = [*HISTORY, {"epoch": 4, "loss": float("nan"), "embedding_std": 0.1}]
    assert lines(draw(history, *clusters).axes[0]) == [[4.0, 3.0, 2.0]]


@pytest.mark.parametrize("history", [[], HISTORY[:1]])
def test_a_short_history(clusters, history):
    assert titles(draw(history, *clusters))[0] == "Loss"


def test_without_labels(clusters):
    embeddings, images, _ = clusters
    history = [{"epoch": 1, "loss": 5.0, "embedding_std": 0.1, "rankme": 4.0}]
    figure = draw(history, embeddings, images)
    assert titles(figure)[2].startswith("RankMe")
    assert titles(figure)[4] == "Nearest neighbours"
    colours = {patch.get_edgecolor() for patch in figure.axes[4].patches}
    assert len(colours) == 2  # query and neighbour, neither right nor wrong


def test_frames_tell_right_from_wrong(clusters):
    embeddings, images, labels = clusters
    labels = labels.copy()
    labels[3] = 2  # looks like class 0
    figure = draw(HISTORY, embeddings, images, labels)
    queries = [0, 10, 3]  # the first of each label, in the order of the labels
    queries = sorted(queries, key=lambda row: labels[row])
    right = (labels[neighbours.nearest(embeddings, queries, 6)] == labels[queries][:, None]).sum()
    colours = [patch.get_edgecolor() for patch in figure.axes[4].patches]
    assert colours.count(GREEN) == right
    assert colours.count(RED) == 18 - right
    assert 0 < right < 18


def test_classes_are_named_where_they_lie(clusters):
    figure = draw(HISTORY, *clusters, ("shoe", "shirt", "bag"))
    assert {text.get_text() for text in figure.axes[3].texts} == {"shoe", "shirt", "bag"}


def test_long_names_are_cut(clusters):
    figure = draw(HISTORY, *clusters, ("great crested grebe", "fourteen chars", "bag"))
    names = {text.get_text() for axes in figure.axes[3:] for text in axes.texts}
    assert names == {"great crested…", "fourteen chars", "bag"}


def test_many_classes(rng):
    labels = np.arange(60) % 30
    figure = draw(HISTORY, rng.normal(size=(60, 8)), np.zeros((60, 4, 4, 3), "uint8"), labels)
    assert not figure.axes[3].texts
    assert len(figure.axes[4].texts) == 7
