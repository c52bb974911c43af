import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data import PairSource, TextSource, text_loading


def write(path, text):
    path.write_text(text)
    return path


def all_texts(source):
    return source.texts(np.arange(len(source)))


def test_lists_and_pairs_of_texts_and_labels():
    assert all_texts(data.load_text(["a", "b"])) == ["a", "b"]
    source = data.load_text((np.array(["a", "b"]), [1, 0]), "all")
    assert (all_texts(source), source.labels.tolist()) == (["a", "b"], [1, 0])
    assert all_texts(data.load_text(("a", "b"))) == ["a", "b"]


def test_a_table_with_labels(tmp_path):
    table = write(tmp_path / "t.csv", '\ufefftext,label\n"good, he said",pos\n"two\nlines",neg\nfine,pos\n\n')
    source = data.load_text(table, "all")
    assert all_texts(source) == ["good, he said", "two\nlines", "fine"]
    assert (source.labels.tolist(), source.classes, source.name) == ([1, 0, 1], ("neg", "pos"), "t")
    plain = data.load_text(write(tmp_path / "t.tsv", 'label\ttext\n10\t"quoted" a\n9\tb\n'), "all")
    assert all_texts(plain) == ['"quoted" a', "b"]
    assert (plain.labels.tolist(), plain.classes) == ([1, 0], ("9", "10"))
    assert data.load_text(write(tmp_path / "n.csv", "id,text\n1,a\n"), "all").labels is None


def test_a_table_of_pairs(tmp_path):
    source = data.load_text(write(tmp_path / "p.tsv", "first\tsecond\na\tb\nc\td\n"), "all")
    assert isinstance(source, PairSource)
    assert source.pairs([1, 0]) == [("c", "d"), ("a", "b")]
    many = write(tmp_path / "m.csv", "first,second\n" + "".join(f"a{row},b{row}\n" for row in range(60)))
    parts = [data.load_text(many, split) for split in ("train", "test")]
    assert sum(map(len, parts)) == 60


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("txt,label\na,b\n", r"the column `text`, .* Received: \['txt', 'label'\] in '.*bad.csv'"),
        ("text,label\na\n", "1 columns under a header of 2 in line 2"),
        ('text\n"a\n', "cannot be read as a table: unexpected end of data"),
        ("text\n", "this table has no rows"),
        ("", "this table has no rows"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        data.load_text(write(tmp_path / "bad.csv", text), "all")


def test_files_in_the_format_of_conll(tmp_path):
    text = "-DOCSTART- -X- O\n\nEU NNP B-ORG\nrejects VBZ O\n\nPeter NNP B-PER\n\n\n-DOCSTART- -X- O\n\nEnd NN O"
    source = data.load_tagged(write(tmp_path / "eng.train", text))
    rows = [0, 1, 2]
    assert source.words(rows) == [["EU", "rejects"], ["Peter"], ["End"]]
    assert source.tags(rows) == [["B-ORG", "O"], ["B-PER"], ["O"]]
    assert (source.tag_names, source.documents.tolist()) == (("B-ORG", "B-PER", "O"), [1, 1, 2])
    one = data.load_tagged(write(tmp_path / "one", "a A\n\nb B\n"))
    assert one.documents is None
    with pytest.raises(ValueError, match=r"a word and its tag. Received: 'alone' in line 2 of '.*bad'"):
        data.load_tagged(write(tmp_path / "bad", "a A\nalone\n"))
    with pytest.raises(ValueError, match="this file has none"):
        data.load_tagged(write(tmp_path / "none", "\n"))
    with pytest.raises(ValueError, match=r"one of \['brown'\] or the path of a file. Received: data='browne'"):
        data.load_tagged("browne")


def test_names_are_told():
    assert [*data.text_names()] == [
        *("wordnet", "wordnet/supersense", "wordnet/pairs", "vader/movie", "vader/tweets", "vader/amazon", "brown"),
        "<any other name>",
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.load_text("no/such.txt"), "a path that does not exist. Received: data='no/such.txt'"),
        (lambda: data.load_text("./none"), "a path that does not exist. Received: data='./none'"),
        (lambda: data.load_text("vader"), "a part of 'vader': vader/movie, vader/tweets, vader/amazon."),
        (lambda: data.load_text(["a"], "test"), "`split` must be 'train' .* Received: split='test'"),
        (lambda: data.load_text(["a"], unit="line"), "`unit` is for text files and folders .* Received: unit='line'"),
        (lambda: data.load_text("wordnet", unit="line"), "not for 'wordnet'"),
        (lambda: data.load_text("a.txt", unit="word"), r"`unit` must be one of \['line', 'sentence', 'document'\]"),
        (lambda: data.load_text({"a": 1}), "`texts` must be a list of str. Received: dict"),
        (lambda: data.load_text((["a"], [0, 1])), "one label for each text. Received: 2 for 1 texts"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_any_other_name_is_one_of_tensorflow_datasets(monkeypatch):
    asked = []
    monkeypatch.setattr(text_loading, "load_tfds_texts", lambda *data, **more: asked.append((data, more)))
    data.load_text("imdb_reviews", "test", data_dir="here")
    assert asked == [(("imdb_reviews", "test"), {"data_dir": "here", "known": list(text_loading.SETS)})]
    assert isinstance(data.load_text(["a"]), TextSource)


def test_large_texts_and_endings_in_capitals(tmp_path):
    text = "a, " * 100_000
    assert data.load_text(write(tmp_path / "BOOKS.TSV", f"text\tlabel\n{text}\t1\nb\t2\n"), "all").texts([0]) == [text]
    assert data.load_text(write(tmp_path / "books.csv", f'text\n"{text}"\n'), "all").texts([0]) == [text]


def test_a_single_label_is_none(tmp_path):
    source = data.load_text(write(tmp_path / "one.csv", "text,label\na,x\nb,x\n"), "all")
    assert (source.labels, source.classes) == (None, None)


def test_records_are_no_lines_of_text(tmp_path):
    with pytest.raises(ValueError, match="`data` must be plain text.*write the records' texts.*'.*a.jsonl'"):
        data.load_text(write(tmp_path / "a.jsonl", '{"text": "a"}\n'))


@pytest.mark.parametrize("labels", [[0.5, 1.0], ["x", "y"]])
def test_labels_are_whole_numbers(labels):
    with pytest.raises(ValueError, match="`labels` must be whole numbers. Received: "):
        data.load_text((["a", "b"], labels))


def test_labels_that_are_kept_secret_are_none():
    assert data.load_text((["a", "b"], [-1, -1])).labels is None
    assert data.load_text((["a", "b"], [-1, 1])).labels.tolist() == [-1, 1]
