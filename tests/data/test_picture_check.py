import os

import numpy as np
import pytest
from PIL import Image

from keras_ssl.data import FolderSource, picture_check


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(picture_check, "REMEMBERS_FROM", 1)
    return tmp_path / "cache" / "keras_ssl" / "pictures"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for row in range(3):
        Image.new("RGB", (4 + row, 6)).save(folder / f"{row}.png")
    (folder / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def checks(monkeypatch):
    """Counts how often pictures are decoded for the check."""
    count, decode_all = [], picture_check._decode_all

    def counted(folder, pictures):
        count.append(len(pictures))
        return decode_all(folder, pictures)

    monkeypatch.setattr(picture_check, "_decode_all", counted)
    return count


def shapes(folder):
    return picture_check.picture_shapes(folder, picture_check.list_pictures(folder))


def test_shapes_are_found_and_damage_is_zero(folder, cache):
    np.testing.assert_array_equal(shapes(folder), [[6, 4, 3], [6, 5, 3], [6, 6, 3], [0, 0, 0]])


def test_a_folder_is_checked_once_until_it_changes(folder, cache, checks):
    first = shapes(folder)
    np.testing.assert_array_equal(shapes(folder), first)
    assert len(checks) == 1
    os.utime(folder / "0.png", ns=(1, 1))
    shapes(folder)
    assert len(checks) == 2
    Image.new("RGB", (4, 6)).save(folder / "bad.png")
    assert shapes(folder).all()
    assert len(checks) == 3
    assert [path.suffix for path in cache.iterdir()] == [".npz"]


def test_a_remembered_folder_still_warns(folder, cache, checks):
    for _ in range(2):
        with pytest.warns(UserWarning, match="1 of 4 pictures .* bad.png"):
            FolderSource(folder, "all", image_size=(4, 4))
    assert len(checks) == 1


def test_a_damaged_cache_is_made_anew(folder, cache, checks):
    first = shapes(folder)
    (remembered,) = cache.iterdir()
    for content in (b"", b"torn", remembered.read_bytes()[:60]):
        remembered.write_bytes(content)
        np.testing.assert_array_equal(shapes(folder), first)
    assert len(checks) == 4
    shapes(folder)
    assert len(checks) == 4


def test_a_cache_that_cannot_be_written_is_no_error(folder, cache, checks, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert shapes(folder)[0].all()
    assert shapes(folder)[0].all()
    assert len(checks) == 2


def test_few_pictures_leave_no_file(folder, cache, monkeypatch):
    monkeypatch.setattr(picture_check, "REMEMBERS_FROM", 5)
    shapes(folder)
    assert not cache.exists()


def test_a_dangling_link_counts_as_damaged(folder, cache):
    (folder / "link.png").symlink_to(folder / "gone.png")
    assert [bool(shape.any()) for shape in shapes(folder)] == [True, True, True, False, False]
