import numpy as np
import pytest

from keras_ssl.data.splits import find_split, held_out_part, is_held_out, numbers_held_out, rows_of_split

KEYS = [f"cats/{number}.png" for number in range(600)]


def test_a_sixth_is_held_out_and_train_has_the_rest():
    train, test = held_out_part("train", KEYS, "x"), held_out_part("test", KEYS, "x")
    assert sorted(train + test) == held_out_part("all", KEYS, "x") == list(range(600))
    assert 70 <= len(test) <= 130
    assert held_out_part("val", KEYS, "x") == test


def test_a_row_keeps_its_side_when_others_come():
    test = {KEYS[row] for row in held_out_part("test", KEYS, "x")}
    more = sorted([*KEYS, *(f"birds/{number}.png" for number in range(50))])
    assert {more[row] for row in held_out_part("test", more, "x")} & set(KEYS) == test


def test_the_held_out_rows_are_the_same_on_every_machine():
    assert held_out_part("test", KEYS[:30], "x") == [11, 15, 17, 23]


def test_numbers_are_held_out_by_a_hash_of_their_own():
    numbers = np.arange(6000)
    held = numbers_held_out(numbers)
    train, test = (rows_of_split(split, held, "x", "texts") for split in ("train", "test"))
    assert sorted([*train, *test]) == rows_of_split("all", held, "x", "texts").tolist() == [*range(6000)]
    assert 900 <= len(test) <= 1100
    np.testing.assert_array_equal(rows_of_split("val", held, "x", "texts"), test)
    assert test[test < 40].tolist() == [19, 20, 24, 31, 33, 38]
    assert numbers_held_out(np.array([3, 19, 19, 20])).tolist() == [False, True, True, True]
    with pytest.raises(ValueError, match="None of the 2 texts of 'x' fall into this split"):
        rows_of_split("test", held[:2], "x", "texts")
    with pytest.raises(ValueError, match="'train', 'test' or 'all'. Received: split='dev'"):
        rows_of_split("dev", held, "x", "texts")


def test_one_in_so_many_is_held_out():
    assert 450 <= sum(is_held_out(str(number), 10) for number in range(5000)) <= 550


def test_val_is_validation_and_stands_in_for_test():
    assert find_split("test", ["train", "test", "val"], "x") == "test"
    assert find_split("test", ["train", "val"], "x") == "val"
    assert find_split("val", ["train", "validation"], "x") == "validation"


def test_unknown_splits_are_named():
    with pytest.raises(ValueError, match=r"one of \['test', 'train'\] of 'x'. Received: split='valid'"):
        find_split("valid", ["train", "test"], "x")
    with pytest.raises(ValueError, match=r"'train', 'test' or 'all'. Received: split='valid'"):
        held_out_part("valid", KEYS, "x")
    with pytest.raises(ValueError, match=r"None of the 1 pictures .* split='all' takes them all"):
        held_out_part("test", KEYS[:1], "x")
