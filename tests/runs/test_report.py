import numpy as np
import pytest
from PIL import Image

from keras_ssl import runs


@pytest.fixture
def trained(recipe, tmp_path):
    def train(data):
        folder = runs.RunFolder.create(tmp_path / "run")
        runs.pretrain(recipe, runs.RunOptions.new(recipe, data=data), folder)
        return folder

    return train


def test_scores_are_written_down(trained, pictures):
    folder = trained(pictures)
    scores = runs.evaluate(folder)
    assert folder.read_metrics() == scores
    assert scores["knn"] > 0.9
    assert set(scores["baselines"]) == {"raw", "random"}


def test_scores_on_other_data_are_not(trained, pictures, tmp_path):
    folder = trained(pictures)
    arrays = dict(np.load(pictures))
    arrays["y_test"] = (arrays["y_test"] + 1) % 3
    np.savez(tmp_path / "wrong.npz", **arrays)
    assert runs.evaluate(folder, str(tmp_path / "wrong.npz"))["knn"] < 0.1
    assert folder.read_metrics() is None


def test_nothing_to_judge_on(trained, unlabelled):
    with pytest.warns(UserWarning, match="no test pictures"):
        folder = trained(unlabelled)
    with pytest.warns(match="no test pictures"), pytest.raises(ValueError, match="`data` must have test pictures"):
        runs.evaluate(folder)


def test_picture_and_projector(trained, pictures):
    folder = trained(pictures)
    runs.evaluate(folder)
    assert runs.report(folder) == folder.report_path
    assert Image.open(folder.report_path).size == (1800, 1344)
    names = (folder.tensorboard_path / "metadata.tsv").read_text().split()
    assert names == [str(label) for label in np.load(pictures)["y_test"]]
    assert not list(folder.path.glob(".*"))


@pytest.mark.filterwarnings("ignore:There are no test pictures")
def test_picture_without_labels_and_test_pictures(trained, unlabelled):
    folder = trained(unlabelled)
    assert runs.report(folder).exists()
    assert len((folder.tensorboard_path / "metadata.tsv").read_text().split()) == 96
