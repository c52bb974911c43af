import numpy as np
import pytest
from PIL import Image

from keras_ssl import data

ROWS = 30
X = np.arange(ROWS, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 4, 1), "uint8")
Y = np.arange(ROWS) % 3


def test_the_public_names():
    kinds = {"ArraySource", "FolderSource", "PictureSource", "RecordSource", "Source", "StreamSource"}
    assert kinds | {"load", "names"} <= set(data.__all__)


def test_names_are_known_without_a_network():
    assert {"fashion_mnist_sample", "fashion_mnist"} < set(data.names())
    assert any("tensorflow-datasets" in line for line in data.names().values())


def test_arrays_are_taken_whole():
    np.testing.assert_array_equal(data.load((X, Y)).arrays()[0], X)
    np.testing.assert_array_equal(data.load((X, Y)).labels, Y)
    assert data.load(X).labels is None
    assert data.load((X, None)).labels is None
    assert len(data.load(X[:2])) == 2
    assert len(data.load([*X[:2]])) == 2


def test_files_of_arrays(tmp_path):
    np.savez(tmp_path / "digits.npz", x=X, y=Y)
    np.save(tmp_path / "digits.npy", X)
    whole = data.load(tmp_path / "digits.npz", "all")
    assert (whole.name, len(whole)) == ("digits", ROWS)
    np.testing.assert_array_equal(whole.labels, Y)
    np.testing.assert_array_equal(data.load(str(tmp_path / "digits.npy"), "all").arrays()[0], X)
    train, test = data.load(tmp_path / "digits.npz"), data.load(tmp_path / "digits.npz", "test")
    rows = np.concatenate([train.arrays()[0], test.arrays()[0]])[:, 0, 0, 0]
    assert sorted(rows) == list(range(ROWS))
    assert 0 < len(test) < len(train)
    np.testing.assert_array_equal(train.labels, train.arrays()[0][:, 0, 0, 0] % 3)


def test_files_of_arrays_with_splits(tmp_path):
    np.savez(tmp_path / "digits.npz", x_train=X, y_train=Y, x_test=X[:3])
    np.testing.assert_array_equal(data.load(tmp_path / "digits.npz").labels, Y)
    test = data.load(tmp_path / "digits.npz", "test")
    assert (len(test), test.labels) == (3, None)


def test_a_folder(tmp_path):
    Image.new("RGB", (4, 6)).save(tmp_path / "a.png")
    assert data.load(str(tmp_path), "all", image_size=(2, 3)).image_shape == (2, 3, 3)


def test_image_size_resizes_what_is_in_memory():
    source = data.load((X, Y), image_size=(2, 3))
    assert (source.image_shape, source.dtype) == ((2, 3, 1), "uint8")
    np.testing.assert_array_equal(source.arrays()[0][:, 0, 0, 0], range(ROWS))
    np.testing.assert_array_equal(source.labels, Y)
    assert data.load(X + 0.5, image_size=2).dtype == "float32"
    small = data.load("fashion_mnist_sample", "test", image_size=(14, 14))
    assert (small.image_shape, small.name, len(small.classes)) == ((14, 14, 1), "fashion_mnist_sample", 10)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("/no/such/folder", {}, r"`data` is a path that does not exist. Received: data='/no/such/folder'"),
        ("./missing", {}, r"path that does not exist"),
        ("missing.npz", {}, r"path that does not exist"),
        ("~/missing pictures", {}, r"path that does not exist"),
        ("fashion_mnist_sample", {"image_size": (0, 3)}, r"`image_size` must be"),
        (X, {"split": "test"}, r"`split` of arrays must be 'train'"),
        ((X,), {}, r"an array `x` or a pair `\(x, y\)`. Received: tuple of 1"),
        ({"x": X}, {}, r"Received: dict of 1"),
        (None, {}, r"`data` must be a name, a path, .*Received: NoneType"),
        (np.zeros((3, 4)), {}, r"`x` must have shape"),
        ((X, Y[:3]), {}, r"`x` and `y` must have as many rows. Received: 30 and 3"),
    ],
)
def test_bad_input_is_one_clear_line(given, options, message):
    with pytest.raises(ValueError, match=message) as caught:
        data.load(given, **options)
    assert "\n" not in str(caught.value)


def test_bad_files_are_one_clear_line(tmp_path):
    np.savez(tmp_path / "a.npz", pictures=X)
    (tmp_path / "a.txt").touch()
    (tmp_path / "torn.npz").write_bytes(b"PK torn")
    np.save(tmp_path / "objects.npy", np.array([None, {}], "object"))
    for name, message in [
        ("a.npz", r"Received: \['pictures'\] in "),
        ("a.txt", r"must be a folder, or a file .npz or .npy"),
        ("torn.npz", r"cannot be read as arrays"),
        ("objects.npy", r"cannot be read as arrays"),
    ]:
        with pytest.raises(ValueError, match=message):
            data.load(tmp_path / name)
