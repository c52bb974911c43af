import sys
import warnings

import numpy as np
import pytest

from keras_ssl import evaluation
from keras_ssl.augment.text import TokenTable
from keras_ssl.evaluation.text_baselines import tags_of_words
from keras_ssl.evaluation.word_pieces import WordPieces

QUICK = evaluation.FineTuning(epochs=30, learning_rate=2e-2, dropout=0.0)


@pytest.fixture
def tagged(rng):
    """Colours are C and beasts B, in any order."""
    tags_of = {"red": "C", "green": "C", "blue": "C", "cat": "B", "dogs": "B", "hens": "B", "the": "O"}
    words = [rng.choice(list(tags_of), rng.integers(1, 9)).tolist() for _ in range(60)]
    return words, [[tags_of[word] for word in sentence] for sentence in words]


def test_first_pieces_carry_the_tags(tokenizer):
    table = TokenTable.of(tokenizer)
    pieces = WordPieces(tokenizer, table, [["dogs", "is", "\u200b"], ["hens"]], 16)
    names = tokenizer.get_vocabulary()
    shown = [[names[one] for one in row] for row in pieces.token_ids.to_list()]
    assert shown == [["[CLS]", "dog", "##s", "is", "[UNK]", "[SEP]"], ["[CLS]", "hen", "##s", "[SEP]"]]
    assert pieces.words.to_list() == [[-1, 0, -1, 1, 2, -1], [-1, 3, -1, -1]]
    assert pieces.labels(np.array([7, 5, 0, 9])).to_list() == [[-1, 7, -1, 5, 0, -1], [-1, 9, -1, -1]]
    assert pieces.sentences_of(list("abcd")) == [["a", "b", "c"], ["d"]]


def test_long_sentences_are_cut_between_words_and_lose_none(tokenizer):
    table = TokenTable.of(tokenizer)
    pieces = WordPieces(tokenizer, table, [["dogs"] * 5, ["red"]], 7)
    assert pieces.words.to_list() == [[-1, 0, -1, 1, -1, -1], [-1, 2, -1, 3, -1, -1], [-1, 4, -1, -1], [-1, 5, -1]]
    short = WordPieces(tokenizer, table, [["dogs", "dogs"]], 3)
    assert short.words.to_list() == [[-1, 0, -1], [-1, 1, -1]]


def test_byte_pairs_get_the_space_before_a_word():
    import keras_hub

    vocabulary = {"<|endoftext|>": 0, "a": 1, "b": 2, "Ġ": 3, "Ġa": 4, "ab": 5}
    tokenizer = keras_hub.models.GPT2Tokenizer(vocabulary, ["Ġ a", "a b"])
    table = TokenTable(6, (0,), pad_id=0, end_id=0)
    pieces = WordPieces(tokenizer, table, [["a", "a"], ["ab"]], 8)
    assert pieces.token_ids.to_list() == [[1, 4, 0], [5, 0]]


@pytest.mark.gate
def test_tags_are_learned_and_the_encoder_stays(text_encoder, tokenizer, tagged):
    before = [weight.numpy() for weight in text_encoder.weights]
    train, test = ([part[:48] for part in tagged], [part[48:] for part in tagged])
    told = []
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*[Gg]radients")
        scores = evaluation.fine_tune_tokens(
            text_encoder, tokenizer, train, test, settings=QUICK, train_size=None, max_length=9, progress=told.append
        )
    for old, weight in zip(before, text_encoder.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())
    assert scores["accuracy"] > 0.95
    assert scores["accuracy"] == scores["report"]["accuracy"]
    assert scores["report"]["averages"]["micro"]["support"] == sum(map(len, test[1]))
    assert (scores["splits"], scores["train_rows"], scores["test_rows"]) == (1, 48, 12)
    assert set(scores["baselines"]) == {"words", "random"}
    assert scores["baselines"]["words"]["accuracy"] == 1.0
    assert "entity_f1" not in scores
    assert told == ["encoder: fine-tuning 1 of 1", "random: fine-tuning 1 of 1"]


@pytest.mark.gate
def test_splits_repeat_and_entities_are_counted(text_encoder, tokenizer, tagged):
    words, tags = tagged
    tags = [[{"C": "B-COL", "B": "B-BEAST", "O": "O"}[tag] for tag in sentence] for sentence in tags]
    options = {"settings": evaluation.FineTuning(epochs=1), "splits": 2, "train_size": 8, "test_size": 6}
    first, second = (evaluation.fine_tune_tokens(text_encoder, tokenizer, (words, tags), **options) for _ in range(2))
    assert first == second
    assert first["splits"] == 2
    assert 0 <= first["entity_f1"] <= 1
    assert set(first["report"]["entities"]["types"]) == {"COL", "BEAST"}


def test_a_split_may_have_no_entity(text_encoder, tokenizer):
    words, tags = [["red", "cat"]] * 12, [["O", "O"]] * 11 + [["B-COL", "O"]]
    options = {"settings": evaluation.FineTuning(epochs=1), "splits": 1, "train_size": 6, "test_size": 3}
    scores = evaluation.fine_tune_tokens(text_encoder, tokenizer, (words, tags), **options)
    assert scores["entity_f1"] == scores["baselines"]["words"]["entity_f1"] == 0.0


def test_a_missing_seqeval_is_told_before_the_training(text_encoder, tokenizer, monkeypatch):
    monkeypatch.setitem(sys.modules, "seqeval.metrics", None)
    told = []
    with pytest.raises(ImportError, match="seqeval"):
        evaluation.fine_tune_tokens(
            text_encoder, tokenizer, ([["red"]] * 9, [["B-COL"]] * 9), train_size=None, progress=told.append
        )
    assert told == []


def test_unknown_words_get_the_commonest_tag():
    known = [(["a", "b"], ["X", "Y"]), (["a", "c"], ["Z", "X"]), (["a"], ["Z"])]
    assert tags_of_words(known, [(["a", "q", "b"], None)]) == [["Z", "X", "Y"]]


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (([["red"]], [["A", "B"]]), r"one tag, a str, for each word.*tags=\['A', 'B'\] in sentence 0"),
        (([["red"], []], [["A"], []]), "no sentence without words.*in sentence 1"),
        (([["red"]], [[3]]), "a tag, a str|one tag, a str"),
        ([["red"]], "pair of lists of the same length"),
        (([["red"]] * 4, [["A"]] * 4), "`train_size` and `test_size` must leave rows.*train_size=1000"),
    ],
)
def test_refuses(text_encoder, tokenizer, train, message):
    with pytest.raises(ValueError, match=message):
        evaluation.fine_tune_tokens(text_encoder, tokenizer, train)
