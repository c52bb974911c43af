import warnings

import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data import mapped_texts, text_fingerprint, text_index

TEXT = b"\xef\xbb\xbf\r\n first line \r\nsecond. And third\r\n \t \r\n\x0c\nfo\xc3\xbcrth\n\nlast"
LINES = ["first line", "second. And third", "foürth", "last"]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def folder(tmp_path):
    """Two classes with a file each, of two lines and one, and one of no text."""
    for name, text in {"pos/a.txt": "good. So\nfine\n", "neg/b.txt": "bad", "neg/blank.txt": " \n"}.items():
        (tmp_path / "reviews" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reviews" / name).write_text(text)
    (tmp_path / "reviews" / "pos" / "other.dat").write_bytes(b"\0")
    return tmp_path / "reviews"


def all_texts(source):
    return source.texts(np.arange(len(source)))


@pytest.mark.parametrize("window", [1, 4, 9, 17, 1 << 23])
def test_lines_sentences_and_documents(path, window, monkeypatch):
    monkeypatch.setattr(text_index, "WINDOW", window)
    lines = data.load_text(path, "all")
    assert all_texts(lines) == LINES
    assert lines.documents.tolist() == [0, 0, 1, 2]
    sentences = data.load_text(path, "all", unit="sentence")
    assert all_texts(sentences) == ["first line second.", "And third", "foürth", "last"]
    assert sentences.documents.tolist() == [0, 0, 1, 2]
    documents = data.load_text(path, "all", unit="document")
    assert all_texts(documents) == ["first line \r\nsecond. And third", "foürth", "last"]
    assert documents.documents.tolist() == [0, 1, 2]


def test_random_access_gives_what_python_reads(tmp_path, rng):
    lines = ["".join(rng.choice(list("ab é。\t"), rng.integers(0, 9))) for _ in range(3000)]
    path = tmp_path / "random.txt"
    path.write_text("\n".join(lines))
    source = data.load_text(path, "all")
    wanted = [line.strip(" \t") for line in lines if line.strip(" \t")]
    assert all_texts(source) == wanted
    rows = rng.integers(0, len(wanted), 100)
    assert source.texts(rows) == [wanted[row] for row in rows]
    for batch in source.batches(16, seed=3).take(5).as_numpy_iterator():
        assert [text.decode() for text in batch["x"]] == [wanted[row] for row in batch["index"]]


def test_without_blank_lines_no_documents_are_known(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("one\ntwo\n\n")
    assert data.load_text(path, "all").documents is None
    with pytest.raises(ValueError, match=r"`unit` can be 'document' where blank lines .* Received: unit='document'"):
        data.load_text(path, unit="document")


@pytest.mark.parametrize("at_a_time", [7, 4096])
def test_equal_texts_are_held_out_together_and_stay_when_others_come(at_a_time, tmp_path, monkeypatch):
    monkeypatch.setattr(text_fingerprint, "AT_A_TIME", at_a_time)
    path = tmp_path / "twice.txt"
    path.write_text("\n".join(f"line {number % 60}" for number in range(120)))
    train, test = (all_texts(data.load_text(path, split)) for split in ("train", "test"))
    assert sorted(train + test) == sorted(all_texts(data.load_text(path, "all")))
    assert set(train) & set(test) == set()
    assert 4 <= len(set(test)) == len(test) / 2 <= 18
    path.write_text("one more\n" + path.read_text())
    assert [text for text in all_texts(data.load_text(path, "test")) if text != "one more"] == test


def test_equal_first_texts_of_pairs_are_held_out_together(tmp_path):
    path = tmp_path / "pairs.tsv"
    rows = (f"question {number // 2}\tanswer {number}" for number in range(120))
    path.write_text("\n".join(["first\tsecond", *rows]))
    train, test = (all_texts(data.load_text(path, split).first) for split in ("train", "test"))
    assert set(train) & set(test) == set()
    assert 4 <= len(set(test)) == len(test) / 2 <= 18


def test_documents_are_held_out_whole(tmp_path):
    path = tmp_path / "many.txt"
    path.write_text("\n\n".join(f"a{number}\nb{number}" for number in range(60)))
    train, test = (all_texts(data.load_text(path, split)) for split in ("train", "test"))
    assert sorted(train + test) == sorted(all_texts(data.load_text(path, "all")))
    numbers = {text[1:] for text in test}
    assert sorted(test) == sorted(side + number for number in numbers for side in "ab")
    assert 4 <= len(numbers) <= 18
    path.write_text(path.read_text() + "\n\nnew")
    assert set(test) - set(all_texts(data.load_text(path, "test"))) == set()


def test_lines_are_held_out_where_no_documents_are_known(tmp_path):
    path = tmp_path / "lines.txt"
    path.write_text("\n".join(map(str, range(600))))
    test = data.load_text(path, "val")
    assert 70 <= len(test) <= 130
    assert not set(all_texts(test)) & set(all_texts(data.load_text(path)))


def test_a_folder_has_a_document_for_each_file_and_a_class_for_each_folder(folder):
    with pytest.warns(UserWarning, match="1 of 3 files in .* are empty or blank and are skipped: neg/blank.txt"):
        source = data.load_text(folder, "all")
    assert all_texts(source) == ["bad", "good. So", "fine"]
    assert (source.labels.tolist(), source.classes) == ([0, 1, 1], ("neg", "pos"))
    assert source.documents.tolist() == [0, 1, 1]
    (folder / "neg" / "blank.txt").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all_texts(data.load_text(folder, "all", unit="sentence")) == ["bad", "good.", "So fine"]
        whole = data.load_text(str(folder), "all", unit="document")
    assert all_texts(whole) == ["bad", "good. So\nfine"]
    batch = next(whole.ordered(2).as_numpy_iterator())
    assert (batch["y"].tolist(), batch["index"].tolist()) == ([0, 1], [0, 1])


def test_splits_of_a_folder(folder, tmp_path):
    for split in ("train", "test"):
        (tmp_path / "split" / split).mkdir(parents=True)
        (tmp_path / "split" / split / "x.txt").write_text(split)
    assert all_texts(data.load_text(tmp_path / "split", "test")) == ["test"]
    assert all_texts(data.load_text(tmp_path / "split")) == ["train"]
    assert data.load_text(tmp_path / "split").classes is None
    with pytest.raises(ValueError, match=r"`split` must be one of \['test', 'train'\]"):
        data.load_text(tmp_path / "split", "other")


def test_more_files_than_are_kept_open(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_texts, "FILES_OPEN", 2)
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    source = data.load_text(tmp_path, "all")
    assert source.texts([6, 0, 3, 0, 6, 5]) == [f"text {number}" for number in (6, 0, 3, 0, 6, 5)]
    assert source._store._map.cache_info().currsize == 2


def test_only_places_are_kept_in_memory(tmp_path):
    path = tmp_path / "large.txt"
    path.write_text(("x" * 999 + "\n") * 2000)
    store = data.load_text(path, "all")._store
    held = sum(value.nbytes for value in vars(store).values() if isinstance(value, np.ndarray))
    assert held < 2000 * 8 + 100


def test_a_file_that_changes_is_told(path):
    source = data.load_text(path, "all")
    path.write_bytes(TEXT + b"\nmore")
    with pytest.raises(ValueError, match=r"A file has changed since its texts were counted: .*text.txt"):
        source.texts([0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"this file is empty or blank. Received: data='.*bad.txt'"),
        (b"\n \r\n\t\n", r"this file is empty or blank"),
        (b"\xef\xbb\xbf", r"this file is empty or blank"),
        (b"one\ntwo\ncaf\xe9 au\n", r"must be UTF-8: '.*bad.txt', line 3, has the byte 0xe9"),
        (b"one\n\xe4\xb8", r"must be UTF-8: '.*bad.txt', line 2, has the byte 0xe4"),
        (b"one\ntwo\0\n", r"no NUL bytes, as binary files and UTF-16 do: '.*bad.txt', line 2"),
        ("two\n".encode("utf-16"), r"no NUL bytes"),
    ],
)
@pytest.mark.parametrize("window", [2, 1 << 23])
def test_what_is_no_text_is_told_with_its_line(tmp_path, content, message, window, monkeypatch):
    monkeypatch.setattr(text_index, "WINDOW", window)
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        data.load_text(path)


def test_folders_without_texts(tmp_path):
    with pytest.raises(ValueError, match=r"`folder` must hold texts \(.txt\)"):
        data.load_text(tmp_path)
    (tmp_path / "blank.txt").touch()
    with pytest.raises(ValueError, match="None of the 1 files has text in it"):
        data.load_text(tmp_path, "all")


@pytest.mark.parametrize(
    "content",
    [
        "\n\n".join("\n".join(f"line {row} of {number}" for row in range(50)) for number in range(4)),  # few documents
        "\n\n".join(f"line {row}" for row in range(19))
        + "\n\n"
        + "\n".join(f"row {row}" for row in range(980)),  # one document is most of it
    ],
)
def test_single_texts_are_held_out_where_documents_cannot_be(tmp_path, content):
    path = tmp_path / "uneven.txt"
    path.write_text(content)
    with pytest.warns(UserWarning, match="Single texts of 'uneven' are held out for testing, not whole documents"):
        train = data.load_text(path)
    test = data.load_text(path, "test")
    assert sorted(all_texts(train) + all_texts(test)) == sorted(all_texts(data.load_text(path, "all")))
    assert 0.08 < len(test) / (len(train) + len(test)) < 0.25


@pytest.mark.parametrize("name", ["wiki.txt", "a.txt"])
def test_a_folder_of_one_file_has_both_parts_whatever_its_name(tmp_path, name):
    (tmp_path / name).write_text("\n".join(f"line {row}" for row in range(300)))
    with pytest.warns(UserWarning, match="held out for testing, not whole documents: these would be (0|100)% of the"):
        train = data.load_text(tmp_path)
    assert 30 <= len(data.load_text(tmp_path, "test")) == 300 - len(train) <= 75


def test_a_folder_with_splits_is_taken_whole_too(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "x.txt").write_text(split)
    assert all_texts(data.load_text(tmp_path, "all")) == ["test", "train"]


def test_one_folder_alone_is_no_class(tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "one.txt").write_text("\n".join(f"line {row}" for row in range(60)))
    source = data.load_text(tmp_path, "all")
    assert (source.labels, source.classes) == (None, None)


def test_fewer_texts_are_read_at_once_where_they_are_long(tmp_path):
    short, long = data.TextSource(["a"] * 5000), data.TextSource(["a" * 2**16] * 80)
    assert text_fingerprint.rows_at_a_time(short) == text_fingerprint.AT_A_TIME
    assert text_fingerprint.rows_at_a_time(long) == 64
    assert [len(batch) for batch in text_fingerprint.text_batches(long)] == [64, 16]


def test_a_fingerprint_is_the_same_however_texts_are_read(monkeypatch):
    texts = [f"text {row}" for row in range(30)]
    found = text_fingerprint.text_fingerprint(data.TextSource(texts))
    monkeypatch.setattr(text_fingerprint, "AT_A_TIME", 7)
    assert text_fingerprint.text_fingerprint(data.TextSource(texts)) == found
    moved = ["text 0t", "ext 1", *texts[2:]]
    assert text_fingerprint.text_fingerprint(data.TextSource(moved)) != found
