from pathlib import Path

import numpy as np
import pytest

from keras_ssl import recipes

ZOO = Path(__file__).parents[1] / "recipes" / "zoo"


def make_arrays(rng, rows, labelled=True):
    """Pictures of three classes, each with another third lit."""
    labels = np.arange(rows) % 3
    images = rng.integers(0, 60, (rows, 8, 8, 1), "uint8")
    for row, label in enumerate(labels):
        images[row, 3 * label : 3 * label + 3] += 150
    return images, labels if labelled else None


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setattr(recipes, "__path__", [*recipes.__path__, str(ZOO)])
    return recipes.get("tiny_denoising")


@pytest.fixture
def pictures(tmp_path, rng):
    """Path of a labelled file with 96 train and 60 test pictures."""
    (x_train, y_train), (x_test, y_test) = make_arrays(rng, 96), make_arrays(rng, 60)
    path = tmp_path / "pictures.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return str(path)


@pytest.fixture
def unlabelled(tmp_path, rng):
    """Path of a file with 96 pictures without labels and without a test split."""
    path = tmp_path / "unlabelled.npz"
    np.savez(path, x_train=make_arrays(rng, 96)[0])
    return str(path)
