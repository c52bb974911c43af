"""Fixtures that the whole suite shares. Two logical CPU devices are made before TensorFlow starts."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import recipes

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def two_replicas():
    """The one strategy of the process: a second one would break TensorFlow's collectives."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(autouse=True)
def _fresh_policy_and_seed():
    """Each test starts from the same seed and float32, whatever the one before did."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


ZOO = Path(__file__).parent / "recipes" / "zoo"


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
