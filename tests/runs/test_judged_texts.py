import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.runs.judged_texts import judged_texts


@pytest.fixture
def table(tmp_path):
    """A function that writes a table of 60 rows with these columns."""

    def write(name, columns):
        rows = (f"{columns[0]} {row}\t{row % 2}" for row in range(60))
        path = tmp_path / f"{name}.tsv"
        path.write_text("\n".join(["\t".join(columns), *rows]))
        return str(path)

    return write


def test_what_is_tested_on_is_not_fitted_on(table):
    (train, test), pairs = judged_texts([table("labelled", ("text", "label"))])
    train, test = (set(one.texts(np.arange(len(one)))) for one in (train, test))
    assert train | test == {f"text {row}" for row in range(60)}
    assert not train & test
    assert pairs is None


def test_the_first_of_each_kind_counts_and_pairs_are_those_for_testing(table):
    names = [
        *(table(f"labelled{number}", ("text", "label")) for number in range(2)),
        *(table(f"pairs{number}", ("first", "second")) for number in range(2)),
    ]
    labelled, pairs = judged_texts(names[::-1])
    assert [one.name for one in labelled] == ["labelled1"] * 2
    assert pairs.name == "pairs1"
    assert 1 <= len(pairs) < 30


def test_what_has_no_labels_is_passed_over(tmp_path):
    path = tmp_path / "plain.txt"
    path.write_text("\n".join(f"text {row}" for row in range(60)))
    assert judged_texts([str(path)]) == (None, None)
    path.write_text("one\n")
    with pytest.warns(UserWarning, match="There are no test texts to judge on. None of the 1 texts"):
        assert judged_texts([str(path)]) == (None, None)


def test_of_secret_test_labels_those_for_validation_are_taken(monkeypatch):
    def load_text(name, split):
        labels = {"train": [0, 1], "test": [-1, -1], "validation": [1, 0]}[split]
        return data.TextSource([f"{split} 0", f"{split} 1"], labels)

    monkeypatch.setattr(data, "load_text", load_text)
    (train, test), _ = judged_texts(["glue/sst2"])
    assert (train.texts([0]), test.texts([0])) == (["train 0"], ["validation 0"])
