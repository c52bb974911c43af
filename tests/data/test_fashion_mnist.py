import gzip
import importlib.util
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data import fashion_mnist


def write_idx(path, array):
    header = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def folder(tmp_path, rng):
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    for prefix, rows in [("train", 5), ("t10k", 3)]:
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", rng.integers(0, 256, (rows, 28, 28)).astype("uint8"))
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", np.arange(rows, dtype="uint8"))
    return folder


def test_the_sample_is_what_it_says():
    train, test = data.load("fashion_mnist_sample"), data.load("fashion_mnist_sample", "test")
    assert (len(train), len(test)) == (10_000, 2_000)
    assert train.image_shape == test.image_shape == (28, 28, 1)
    assert len(train.classes) == 10
    assert train.labels[:5].tolist() == [9, 0, 0, 3, 0]
    assert test.labels[:5].tolist() == [9, 2, 1, 1, 6]
    assert np.bincount(train.labels).min() > 900
    assert 72 < train.arrays()[0].mean() < 74


def test_the_sample_fits_into_the_wheel_with_its_licence():
    folder = Path(resources.files("keras_ssl.data") / "samples")
    assert sum(file.stat().st_size for file in folder.iterdir()) < 6_000_000
    assert "Copyright (c) 2017 Zalando SE" in (folder / "LICENSE").read_text()
    assert "Debian" in (folder / "README.md").read_text()


def test_the_sample_equals_the_first_rows_of_the_whole_set():
    whole = fashion_mnist.find_folder()
    if whole is None:
        pytest.skip("needs the Debian package dataset-fashion-mnist (or KERAS_SSL_DATA with its files)")
    path = Path(__file__).with_name("make_fashion_mnist_sample.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    for split, arrays in [(split, data.load("fashion_mnist_sample", split).arrays()) for split in ("train", "test")]:
        expected = maker.first_rows(whole)
        np.testing.assert_array_equal(arrays[0][..., 0], expected[f"x_{split}"])
        np.testing.assert_array_equal(arrays[1], expected[f"y_{split}"])
    assert [len(data.load("fashion_mnist", split)) for split in ("train", "test")] == [60_000, 10_000]


@pytest.mark.parametrize("named", ["fashion-mnist", "."])
def test_the_whole_set_is_read_from_the_folder_that_is_named(folder, named, monkeypatch):
    monkeypatch.setenv("KERAS_SSL_DATA", str(folder if named == "." else folder.parent))
    source = data.load("fashion_mnist", "test")
    assert (source.name, len(source), source.image_shape, len(source.classes)) == ("fashion_mnist", 3, (28, 28, 1), 10)
    np.testing.assert_array_equal(source.labels, [0, 1, 2])
    assert len(data.load("fashion_mnist")) == 5


def test_a_folder_that_lacks_a_file_is_passed_over(folder, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", "/nowhere")
    monkeypatch.setenv("KERAS_SSL_DATA", str(folder))
    assert fashion_mnist.find_folder() == folder
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert fashion_mnist.find_folder() is None


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\x08\x01\0\0\0\x05abc", b"\0\0\x08\x01\0\0\0\x01ab", b"\0\0\x0d\x01\0\0\0\x01a"]
)
def test_files_that_are_no_idx_are_refused(tmp_path, content):
    path = tmp_path / "labels.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match="`path` must be a whole IDX file of bytes"):
        fashion_mnist.read_idx(path)


def test_unknown_splits_are_named():
    with pytest.raises(ValueError, match=r"\['test', 'train'\] of 'fashion_mnist_sample'. Received: split='vali'"):
        data.load("fashion_mnist_sample", "vali")
