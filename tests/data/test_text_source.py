import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import data
from keras_ssl.data import PairSource, TaggedSource, TextSource
from keras_ssl.distribution import Slices

TEXTS = ["zero", "önе", "二。", "three\nlines", "", "five"]


@pytest.fixture
def source():
    return TextSource(TEXTS, [0, 1, 0, 1, 0, 1], name="few", classes=["even", "odd"], documents=[0, 0, 1, 1, 1, 4])


def test_a_batch_holds_the_texts_that_its_index_names(source):
    for batch in source.batches(4, seed=2).take(6).as_numpy_iterator():
        assert [text.decode() for text in batch["x"]] == [TEXTS[row] for row in batch["index"]]
        np.testing.assert_array_equal(batch["y"], batch["index"] % 2)


def test_shapes_are_static(source):
    strings, numbers = tf.TensorSpec((4,), "string"), tf.TensorSpec((4,), "int64")
    assert source.batches(4).element_spec == {"x": strings, "index": numbers, "y": numbers}
    assert source.ordered(4).element_spec["x"].shape.as_list() == [None]
    part = next(iter(source.batches(4, slices=Slices((1,), 2))))
    assert part["x"].shape == (2,)


def test_texts_in_the_order_asked_for(source):
    assert source.texts([2, 0, 2]) == ["二。", "zero", "二。"]
    assert source.texts([]) == []
    with pytest.raises(ValueError, match=r"`indices` must be in \[0, 6\). Received: 6"):
        source.texts([6])


def test_a_subset_is_a_text_source(source):
    subset = source.subset([5, 2, 3])
    assert isinstance(subset, TextSource)
    assert subset.texts([0, 1]) == ["five", "二。"]
    assert (subset.labels.tolist(), subset.classes) == ([1, 0, 1], ("even", "odd"))
    assert subset.documents.tolist() == [4, 1, 1]
    assert subset.subset([1]).texts([0]) == ["二。"]
    batch = next(subset.ordered(3).as_numpy_iterator())
    assert (batch["x"][0], batch["index"].tolist(), batch["y"].tolist()) == (b"five", [0, 1, 2], [1, 0, 1])
    assert source.take(2).texts([0, 1]) == TEXTS[:2]
    assert repr(subset) == "<TextSubset 'few': 3 texts, 2 classes>"


def test_messages_call_them_texts(source):
    assert repr(source) == "<TextSource 'few': 6 texts, 2 classes>"
    with pytest.raises(ValueError, match="at most the 6 texts of 'few'"):
        source.batches(7)
    with pytest.raises(ValueError, match="at least one text"):
        source.subset([])
    with pytest.raises(ValueError, match="at most the 2 texts of 'few'"):
        source.take(2).batches(3)


def test_arrays_of_strings_and_no_labels():
    source = TextSource(np.array(["a", "bc"]))
    assert source.texts([1]) == ["bc"]
    assert source.labels is None
    assert source.documents is None
    assert source.take(1).documents is None
    assert set(source.batches(1).element_spec) == {"x", "index"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TextSource("a text"), "`texts` must be a list of str. Received: str"),
        (lambda: TextSource(["a", b"b"]), "`texts` must be a list of str. Received: b'b' as number 1"),
        (lambda: TextSource(["a", None]), "Received: None as number 1"),
        (lambda: TextSource([]), "at least one text"),
        (lambda: TextSource(["a", "b"], [0]), "one label for each text. Received: 1 for 2 texts"),
        (lambda: TextSource(["a", "b"], documents=[0]), r"`documents` must be whole numbers of shape \(2,\)"),
        (lambda: TextSource(["a", "b"], documents=[0.0, 1.0]), r"`documents` must be whole numbers"),
        (lambda: TextSource(["a", "b"], documents=[1, 0]), "`documents` must never fall"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_pairs_stay_together():
    firsts, seconds = [f"a{row}" for row in range(7)], [f"b{row}" for row in range(7)]
    source = PairSource(TextSource(firsts, range(7), name="two"), TextSource(seconds))
    for batch in source.batches(3, seed=1).take(6).as_numpy_iterator():
        assert set(batch) == {"views", "index", "y"}
        first, second = batch["views"]
        assert [text.decode() for text in first] == [firsts[row] for row in batch["index"]]
        assert [text.decode() for text in second] == [seconds[row] for row in batch["index"]]
        np.testing.assert_array_equal(batch["y"], batch["index"])
    assert source.pairs([4]) == [("a4", "b4")]
    subset = source.subset([6, 2])
    assert isinstance(subset, PairSource)
    assert subset.pairs([0, 1]) == [("a6", "b6"), ("a2", "b2")]
    assert next(subset.ordered(2).as_numpy_iterator())["index"].tolist() == [0, 1]
    assert repr(subset) == "<PairSource 'two': 2 pairs>"
    with pytest.raises(ValueError, match="`first` and `second` must have as many texts. Received: 1 and 2 texts"):
        PairSource(TextSource(["a"]), TextSource(["b", "c"]))


def test_tags_stay_with_their_words():
    source = TaggedSource(TextSource(["dogs bark", "it", "stars shine"]), TextSource(["N V", "P", "N V"]))
    assert source.tag_names == ("N", "P", "V")
    subset = source.subset([2, 0])
    assert (subset.words([0]), subset.tags([0]), subset.tag_names) == (
        [["stars", "shine"]],
        [["N", "V"]],
        ("N", "P", "V"),
    )
    batch = next(subset.ordered(2).as_numpy_iterator())
    assert (batch["x"].tolist(), batch["tags"].tolist()) == ([b"stars shine", b"dogs bark"], [b"N V", b"N V"])
    with pytest.raises(
        ValueError, match="one tag for each word of 'texts'. Received: 2 words and 1 tags in sentence 1"
    ):
        TaggedSource(TextSource(["it", "dogs bark"]), TextSource(["P", "N"]))
    with pytest.raises(ValueError, match="as many rows. Received: 1 sentences and tags for 2"):
        TaggedSource(TextSource(["it"]), TextSource(["P", "N"]))


def test_a_source_of_another_kind_has_subsets_too():
    class Squares(data.Source):
        rows_word = "numbers"

        def _read(self, indices, batch_size):
            return indices.map(lambda index: {"x": index**2})

    subset = Squares("squares", 9).subset([3, 1])
    assert next(subset.ordered(2).as_numpy_iterator())["x"].tolist() == [9, 1]
    assert repr(subset.take(1)) == "<Subset 'squares': 1 numbers>"
