import importlib.util
import os

import pytest

module = importlib.import_module("keras_ssl.serving.write_versions")


@pytest.fixture
def targets(tmp_path):
    return [tmp_path / "ids" / "3", tmp_path / "strings" / "3"]


@pytest.fixture
def write(targets, monkeypatch):
    """A function that writes two versions which hold one file; what it is given may fail."""

    def run(before=lambda target: None):
        def write(folder, version, tolerance, warm_up):
            before(version.target)
            (folder / "saved_model.pb").write_text(f"{tolerance}")

        monkeypatch.setattr(module, "_write", write)
        module.write_versions([module.Version(target, [], []) for target in targets], 0.5)

    return run


def there(tmp_path):
    return sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*"))


def test_none_has_its_name_before_all_are_written(write, targets, tmp_path):
    write(lambda _: [target for target in targets if target.exists()] and pytest.fail("named too early"))
    assert there(tmp_path) == ["ids/3", "strings/3"]
    assert [(target / "saved_model.pb").read_text() for target in targets] == ["0.5", "0.5"]


def test_warm_up_requests_are_missed_once(write, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.warns(UserWarning, match="no warm-up requests") as caught:
        write()
    assert len(caught) == 1


def test_names_are_given_in_order(write, targets, monkeypatch):
    named = []

    def rename(aside, target):
        assert aside.parent == target.parent
        assert not aside.name.isdecimal()
        named.append(target)

    monkeypatch.setattr(os, "rename", rename)
    write()
    assert named == targets


@pytest.mark.parametrize("place", [0, 1])
def test_nothing_is_left_where_one_cannot_be_written(write, targets, tmp_path, place):
    def fail(target):
        if target == targets[place]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(fail)
    assert there(tmp_path) == []


def test_nothing_is_left_where_the_second_cannot_have_its_name(write, targets, tmp_path):
    # Made by someone else, after the number was chosen.
    targets[1].mkdir(parents=True)
    (targets[1] / "model").touch()
    with pytest.raises(OSError, match="not empty"):
        write()
    assert there(tmp_path) == ["strings/3"]
    assert os.listdir(targets[1]) == ["model"]


def test_a_directory_that_cannot_be_written_is_named(write, targets, tmp_path):
    targets[1].parent.touch()
    with pytest.raises(ValueError, match=r"`directory` must be a folder that can be written.*directory=.*strings"):
        write()
    assert there(tmp_path) == []
