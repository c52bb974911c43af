import os
import warnings

import numpy as np
import pytest
from PIL import Image

from keras_ssl.data import FolderSource


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def save(path, value=0, size=(6, 4), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size[::-1], value if mode == "L" else (value,) * len(mode)).save(path)


def damage(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\xff\xd8\xff no picture")


@pytest.fixture
def folder(tmp_path):
    for row in range(12):
        save(tmp_path / "pictures" / ("cats" if row % 2 else "birds") / f"{row:02}.png", 10 * row)
    return tmp_path / "pictures"


def test_class_folders_give_labels(folder):
    source = FolderSource(folder, "all")
    assert (source.name, source.classes, len(source)) == ("pictures", ("birds", "cats"), 12)
    np.testing.assert_array_equal(source.labels, [0] * 6 + [1] * 6)
    batch = next(source.batches(5, seed=1).as_numpy_iterator())
    assert batch["x"].shape == (5, 6, 4, 3)
    for pixels, index, label in zip(batch["x"], batch["index"], batch["y"], strict=True):
        row = int(os.path.basename(source.paths[index])[:2])
        assert (pixels == 10 * row).all()
        assert label == row % 2


def test_batches_and_order_agree_with_the_rows(folder):
    source = FolderSource(folder, "all")
    x, y = source.arrays()
    np.testing.assert_array_equal(x[:, 0, 0, 0], [0, 20, 40, 60, 80, 100, 10, 30, 50, 70, 90, 110])
    np.testing.assert_array_equal(source.images([7, 0]), x[[7, 0]])
    np.testing.assert_array_equal(source.subset([7, 2]).arrays()[0], x[[7, 2]])
    np.testing.assert_array_equal(source.subset([7, 2]).labels, y[[7, 2]])
    for start in (0, 3):
        batch = next(source.batches(4, seed=5, start=start).as_numpy_iterator())
        np.testing.assert_array_equal(batch["x"], x[batch["index"]])
    assert source.batches(4).element_spec["x"].shape == (4, 6, 4, 3)
    assert [len(batch["x"]) for batch in source.ordered(5)] == [5, 5, 2]


def test_a_flat_folder_has_no_labels(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "b.JPG")
    (tmp_path / "notes.txt").write_text("no picture")
    save(tmp_path / ".hidden" / "c.png")
    source = FolderSource(tmp_path, "all")
    assert (len(source), source.labels, source.classes) == (2, None, None)
    assert set(source.batches(2).element_spec) == {"x", "index"}


def test_pictures_beside_class_folders_are_warned_about(folder):
    save(folder / "stray.png")
    with pytest.warns(UserWarning, match="1 pictures lie beside the folders birds, cats"):
        source = FolderSource(folder, "all")
    assert (len(source), source.labels) == (13, None)


def test_an_empty_class_folder_and_deeper_folders(folder):
    (folder / "ants").mkdir()
    save(folder / "cats" / "2020" / "may.png")
    source = FolderSource(folder, "all")
    assert source.classes == ("birds", "cats")
    np.testing.assert_array_equal(source.labels, [0] * 6 + [1] * 7)


@pytest.mark.parametrize("held_out", ["test", "val", "validation"])
def test_split_folders_are_the_splits(tmp_path, held_out):
    save(tmp_path / "train" / "cats" / "a.png", 1)
    save(tmp_path / held_out / "birds" / "b.png", 2)
    save(tmp_path / held_out / "cats" / "c.png", 3)
    save(tmp_path / "elsewhere" / "d.png", 4, size=(9, 9))
    train, test = FolderSource(tmp_path, "train"), FolderSource(tmp_path, "test")
    assert train.classes == test.classes == ("birds", "cats")
    np.testing.assert_array_equal(train.labels, [1])
    np.testing.assert_array_equal(test.labels, [0, 1])
    np.testing.assert_array_equal(test.arrays()[0][:, 0, 0, 0], [2, 3])
    np.testing.assert_array_equal(np.sort(FolderSource(tmp_path, "all").arrays()[0][:, 0, 0, 0]), [1, 2, 3])
    with pytest.raises(ValueError, match="`split` must be one of"):
        FolderSource(tmp_path, "other")


def test_a_class_may_be_called_train(tmp_path):
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "car" / "b.png")
    assert FolderSource(tmp_path, "all").classes == ("car", "train")


def test_any_other_folder_is_split_by_a_hash(tmp_path):
    for row in range(40):
        save(tmp_path / f"{row}.png")
    train, test = FolderSource(tmp_path), FolderSource(tmp_path, "test")
    assert len(train) + len(test) == 40
    assert 0 < len(test) < len(train)
    assert not set(train.paths) & set(test.paths)
    before = set(test.paths)
    for row in range(40, 50):
        save(tmp_path / f"{row}.png")
    assert before <= set(FolderSource(tmp_path, "test").paths)


def test_channels_are_three_unless_all_are_grey(tmp_path):
    save(tmp_path / "a.png", 50, mode="L")
    save(tmp_path / "b.png", 60, mode="LA")
    grey = FolderSource(tmp_path, "all")
    assert grey.image_shape == (6, 4, 1)
    np.testing.assert_array_equal(grey.arrays()[0][:, 0, 0], [[50], [60]])
    save(tmp_path / "c.png", 70, mode="RGBA")
    mixed = FolderSource(tmp_path, "all")
    np.testing.assert_array_equal(mixed.arrays()[0][:, 0, 0], [[50] * 3, [60] * 3, [70] * 3])


def test_sizes_that_differ_need_an_image_size(tmp_path):
    save(tmp_path / "a.png", 5, size=(6, 4))
    save(tmp_path / "b.png", 6, size=(9, 12))
    with pytest.raises(
        ValueError, match=r"`image_size` must be .* 6 to 9 high and 4 to 12 wide. Received: image_size="
    ):
        FolderSource(tmp_path, "all")
    source = FolderSource(tmp_path, "all", image_size=(5, 7))
    assert source.image_shape == (5, 7, 3)
    np.testing.assert_array_equal(source.arrays()[0][:, 2, 3, 0], [5, 6])


def test_a_damaged_picture_is_named_skipped_and_counted(folder):
    damage(folder / "cats" / "bad.jpg")
    with pytest.warns(UserWarning, match=r"1 of 13 pictures in .* are skipped: cats.bad.jpg$"):
        source = FolderSource(folder, "all")
    assert len(source) == 12
    assert source.skipped == (str(folder / "cats" / "bad.jpg"),)
    assert source.arrays()[0].shape == (12, 6, 4, 3)
    np.testing.assert_array_equal(source.labels, [0] * 6 + [1] * 6)


def test_of_many_damaged_pictures_five_are_named(folder):
    for row in range(8):
        damage(folder / "dogs" / f"{row}.jpg")
    with pytest.warns(UserWarning, match=r"8 of 20 .*: dogs.0.jpg, .*dogs.4.jpg, and 3 more$") as caught:
        assert len(FolderSource(folder, "all")) == 12
    assert len(caught) == 1


def test_a_sound_folder_says_nothing(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FolderSource(folder, "all")


def test_folders_without_a_picture_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"`folder` must hold pictures \(.bmp, .*\). Received: folder="):
        FolderSource(tmp_path)
    (tmp_path / "empty class").mkdir()
    with pytest.raises(ValueError, match="`folder` must hold pictures"):
        FolderSource(tmp_path)
    damage(tmp_path / "a.jpg")
    damage(tmp_path / "b.png")
    with pytest.raises(ValueError, match="None of the 2 pictures can be decoded"):
        FolderSource(tmp_path, "all")
    with pytest.raises(ValueError, match="`folder` must be a folder that exists"):
        FolderSource(tmp_path / "missing")
