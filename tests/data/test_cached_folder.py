import os

import pytest

from keras_ssl.data.cached_folder import cached_folder, described


def filler(text):
    def fill(folder):
        (folder / "text").write_text(text)
        return {"text": text}

    return fill


def test_is_filled_once(tmp_path):
    path = tmp_path / "deep" / "folder"
    assert cached_folder(path, filler("a")) == cached_folder(path, None) == described(path) == {"text": "a"}
    assert [one.name for one in path.parent.iterdir()] == ["folder"]


def test_is_filled_anew_if_a_file_has_changed(tmp_path):
    path = tmp_path / "folder"
    cached_folder(path, filler("a"))
    (path / "text").write_text("b")
    assert described(path) is None
    assert cached_folder(path, filler("c")) == described(path) == {"text": "c"}


def test_of_two_processes_at_once_the_first_one_stays(tmp_path, monkeypatch):
    """The other one takes the name at the last moment: what it made may be in use already."""
    path = tmp_path / "folder"

    def after_the_other(function):
        def renamed(source, target):
            if target == path and not path.exists():
                monkeypatch.undo()
                cached_folder(path, filler("other"))
            function(source, target)

        return renamed

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, after_the_other(getattr(os, name)))
    cached_folder(path, filler("mine"))
    assert described(path) == {"text": "other"}
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_a_place_that_cannot_be_taken_is_told(tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OSError, match="folder"):
        cached_folder(tmp_path / "folder", filler("a"))
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_what_a_killed_process_left_is_swept_after_days(tmp_path):
    path, old, young = (tmp_path / name for name in ("folder", ".folder.0a1b2c3d.aside", ".folder.3d2c1b0a.aside"))
    for left in (old, young):
        left.mkdir()
        (left / "ids").touch()
    os.utime(old, (0, 0))
    cached_folder(path, filler("a"))
    assert sorted(one.name for one in tmp_path.iterdir()) == [young.name, "folder"]
