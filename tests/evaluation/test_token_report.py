import sys

import pytest
import sklearn.metrics

from keras_ssl import evaluation

TRUE = [["DET", "NOUN", "VERB"], ["NOUN"], ["DET", "ADJ", "NOUN", "VERB"]]
PREDICTED = [["DET", "NOUN", "NOUN"], ["VERB"], ["DET", "ADV", "NOUN", "VERB"]]
IOB1 = [["I-PER", "I-PER", "O", "I-LOC", "B-LOC"], ["O", "I-ORG"]]
FOUND = [["I-PER", "O", "O", "I-LOC", "B-LOC"], ["I-ORG", "I-ORG"]]


def test_equals_scikit_learn():
    report = evaluation.token_report(TRUE, PREDICTED)
    flat, found = ([tag for tags in sentences for tag in tags] for sentences in (TRUE, PREDICTED))
    expected = sklearn.metrics.classification_report(flat, found, output_dict=True, zero_division=0)
    assert report["accuracy"] == pytest.approx(expected.pop("accuracy"))
    rows = {**report["tags"], "macro avg": report["averages"]["macro"], "weighted avg": report["averages"]["weighted"]}
    for name, row in rows.items():
        renamed = {"f1-score" if key == "f1" else key: value for key, value in row.items()}
        assert renamed == pytest.approx(expected.pop(name))
    assert not expected
    assert "entities" not in report


def test_hand_computed():
    report = evaluation.token_report(TRUE, PREDICTED)
    assert report["accuracy"] == report["averages"]["micro"]["f1"] == 5 / 8
    assert report["tags"]["VERB"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert report["tags"]["ADV"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert report["averages"]["weighted"]["support"] == 8


def test_entities_are_counted_whole():
    report = evaluation.token_report(IOB1, FOUND)["entities"]
    # Of four entities the person is cut short and the organisation too long.
    assert report["averages"]["micro"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 4}
    assert report["types"]["LOC"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 2}
    assert report["types"]["PER"]["f1"] == report["types"]["ORG"]["f1"] == 0.0


def test_entities_of_bilou_end_where_they_say():
    # Two places of one word each, side by side, then one of three words.
    true = [["U-LOC", "U-LOC", "O", "B-LOC", "I-LOC", "L-LOC"]]
    found = [["U-LOC", "O", "O", "B-LOC", "I-LOC", "L-LOC"]]
    average = evaluation.token_report(true, found)["entities"]["averages"]["micro"]
    assert average == {"precision": 1.0, "recall": 2 / 3, "f1": pytest.approx(0.8), "support": 3}


def test_a_missing_seqeval_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval", None)
    monkeypatch.setitem(sys.modules, "seqeval.metrics", None)
    with pytest.raises(ImportError, match="needs the package seqeval: `pip install seqeval`"):
        evaluation.token_report(IOB1, FOUND)
    evaluation.token_report(TRUE, PREDICTED)


def test_table():
    lines = evaluation.format_token_report(evaluation.token_report(IOB1, FOUND)).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1", "support"]
    assert lines[1].split() == ["B-LOC", "1.000", "1.000", "1.000", "1"]
    assert ["entity", "LOC", "1.000", "1.000", "1.000", "2"] in [line.split() for line in lines]
    assert lines[-1].split() == ["entity", "weighted", "avg", "0.500", "0.500", "0.500", "4"]
    assert len({len(line) for line in lines if line}) == 1


def test_sentences_without_entities_have_that_part_if_wanted():
    nothing = [["O", "O"], ["O"]]
    assert "entities" not in evaluation.token_report(nothing, nothing)
    report = evaluation.token_report(nothing, nothing, entities=True)["entities"]
    assert report["types"] == {}
    for average in report["averages"].values():
        assert average == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
    assert "entities" not in evaluation.token_report(IOB1, FOUND, entities=False)


@pytest.mark.parametrize("predicted", [[["A"]], [["A", "B"]], [["A"], []]])
def test_refuses(predicted):
    with pytest.raises(ValueError, match="same numbers of tags"):
        evaluation.token_report([["A"], ["B"]], predicted)
    with pytest.raises(ValueError, match="one tag at least"):
        evaluation.token_report([], [])
