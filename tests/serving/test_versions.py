import pytest

from keras_ssl.serving.versions import new_targets


@pytest.fixture
def folders(tmp_path):
    for path in ("ids/1", "ids/4", "strings/1"):
        (tmp_path / path).mkdir(parents=True)
    return [tmp_path / "ids", tmp_path / "strings"]


def test_the_next_number_is_new_to_all_directories(folders, tmp_path):
    assert new_targets(folders) == [folders[0] / "5", folders[1] / "5"]
    assert new_targets(folders[1:]) == [folders[1] / "2"]
    assert new_targets([tmp_path / "absent"]) == [tmp_path / "absent" / "1"]
    assert new_targets(folders, 9) == [folders[0] / "9", folders[1] / "9"]


@pytest.mark.parametrize(("version", "match"), [(4, "ids/4 exists"), (1, "exists"), (0, "an int"), (True, "an int")])
def test_numbers_that_will_not_do_are_refused(folders, version, match):
    with pytest.raises(ValueError, match=f"`version` must be .*{match}.*Received: version={version}"):
        new_targets(folders, version)
