import io
import tarfile

import pytest

from keras_ssl.data.packages.package import Package

PACKAGE = Package("letters", "[ab][.]txt", 2, "get the archive of letters", archives="letters.*[.](tgz|tar[.]gz)")
FILES = {"a.txt": b"one", "b.txt": b"two"}


def archive(files, name):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as written:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            written.addfile(entry, io.BytesIO(text))
    return {name: content.getvalue()}


@pytest.fixture(autouse=True)
def nowhere_else(monkeypatch):
    monkeypatch.delenv("KERAS_SSL_DATA", raising=False)


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inside", ["", "letters/", "letters/data/v1/"])
def test_a_folder_with_the_files(tmp_path, inside):
    put(tmp_path, {**{inside + name: text for name, text in FILES.items()}, inside + "c.txt": b"no"})
    assert PACKAGE.read(tmp_path) == FILES


def test_archives_and_archives_in_them(tmp_path):
    outer = archive(
        {"letters/readme": b"x", **archive({"data/b.txt": b"two", "data/a.txt": b"one"}, "letters.tgz")},
        "letters-1.tar.gz",
    )
    put(tmp_path, outer)
    assert list(PACKAGE.read(tmp_path).items()) == list(FILES.items())
    assert PACKAGE.read(tmp_path / "letters-1.tar.gz") == FILES


def test_the_places_in_their_order(tmp_path, monkeypatch):
    system = put(tmp_path / "system", FILES)
    package = PACKAGE._replace(folders=(str(tmp_path / "none"), str(system)))
    assert package.read() == FILES
    monkeypatch.setenv("KERAS_SSL_DATA", str(tmp_path / "mine"))
    assert package.read() == FILES
    put(tmp_path / "mine" / "letters", {**FILES, "a.txt": b"mine"})
    assert package.read()["a.txt"] == b"mine"


def test_what_is_missing_is_told_with_its_package_and_the_places(tmp_path):
    put(tmp_path, {"a.txt": b"only one of two"})
    with pytest.raises(
        ValueError, match=r"'letters' are not on this machine: get the archive .* Looked in: '.*letters', '"
    ):
        PACKAGE.read(tmp_path)
    with pytest.raises(ValueError, match="Looked in: no folder"):
        PACKAGE.read()


def test_a_damaged_archive_is_told(tmp_path):
    whole = archive(FILES, "letters.tgz")["letters.tgz"]
    for content in (whole[: len(whole) // 2], b"none"):
        put(tmp_path, {"letters.tgz": content})
        with pytest.raises(ValueError, match=r"archive '.*letters.tgz' cannot be read: .* Get it anew"):
            PACKAGE.read(tmp_path)
