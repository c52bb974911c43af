import keras_hub
import numpy as np
import pytest

from keras_ssl import data
from keras_ssl.data import PackedSource
from keras_ssl.distribution import Slices

END = 3
TEXTS = [[10, 11], [], [12, 13, 14], [15], [16, 17, 18, 19, 20]]
DOCUMENTS = [0, 0, 0, 1, 2]


def blocks(source, batch_size=1):
    return [row for batch in source.ordered(batch_size).as_numpy_iterator() for row in batch["x"]["token_ids"].tolist()]


def test_documents_are_closed_and_cut_into_blocks(make_tokens):
    source = PackedSource(make_tokens(TEXTS, documents=DOCUMENTS), length=4)
    assert blocks(source) == [[10, 11, 12, 13], [14, END, 15, END], [16, 17, 18, 19]]
    assert len(source) == 3


def test_each_text_is_a_document_where_none_are_known(make_tokens):
    packed = [piece for text in TEXTS for piece in [*text, END]]
    source = PackedSource(make_tokens(TEXTS), length=4)
    assert blocks(source, batch_size=2) == np.array(packed[:16]).reshape(4, 4).tolist()


def test_batches_resume_and_replicas_get_their_part(make_tokens):
    rows = [[100 + row] * (row % 7) for row in range(90)]
    source = PackedSource(make_tokens(rows), length=5)
    every, epoch = np.array(blocks(source)), len(source) // 4
    whole = list(source.batches(4, seed=1).take(2 * epoch).as_numpy_iterator())
    for batch in whole:
        np.testing.assert_array_equal(batch["x"]["token_ids"], every[batch["index"]])
    assert len({int(row) for batch in whole[:epoch] for row in batch["index"]}) == 4 * epoch
    later = source.batches(4, seed=1, start=7).take(9).as_numpy_iterator()
    halves = source.batches(4, seed=1, start=7, slices=Slices((0, 1), 2)).take(18).as_numpy_iterator()
    for batch in whole[7:16]:
        np.testing.assert_array_equal(next(later)["x"]["token_ids"], batch["x"]["token_ids"])
        parts = [next(halves)["x"]["token_ids"] for _ in range(2)]
        np.testing.assert_array_equal(np.concatenate(parts), batch["x"]["token_ids"])


def test_a_subset_of_blocks(make_tokens):
    source = PackedSource(make_tokens(TEXTS, documents=DOCUMENTS), length=4)
    assert blocks(source.subset([2, 0])) == [[16, 17, 18, 19], [10, 11, 12, 13]]


def test_refuses(make_tokens):
    with pytest.raises(ValueError, match="`length` must be at most the 16 tokens of 'made-up'. Received: length=17"):
        PackedSource(make_tokens(TEXTS), length=17)
    with pytest.raises(ValueError, match="`tokens` must have an end token, .* Received: end_id=None"):
        PackedSource(make_tokens(TEXTS, end_id=None), length=4)


def test_words_of_byte_pairs_do_not_run_together(tmp_path):
    pieces = ["<|endoftext|>", "Ċ", "Ġ", "a", "b", "Ġb"]
    numbers = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = keras_hub.models.GPT2Tokenizer(numbers, ["Ġ b"])
    texts = data.TextSource(["a b", "b a", "a", "b"], documents=[0, 0, 0, 1])
    source = PackedSource(data.tokenize(texts, tokenizer, tmp_path), length=11)
    (block,) = blocks(source)
    assert tokenizer.detokenize(block) == "a b\nb a\na<|endoftext|>b<|endoftext|>"
