import keras_hub
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable
from keras_ssl.serving.text_signature import TextInputs, forgetful


def roberta(**options):
    pieces = ["<s>", "<pad>", "</s>", "<mask>", "<unk>", "c", "a", "t", "Ġ", "ca", "cat"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return keras_hub.tokenizers.RobertaTokenizer(vocabulary, ["c a", "ca t"], **options)


def test_what_a_byte_pair_tokenizer_has_read_is_forgotten():
    tokenizer = roberta(add_prefix_space=True)
    tokenizer.cache.insert(["secret"], ["sec ret"])
    fresh = forgetful(tokenizer)
    assert fresh.cache.lookup(["secret", "<mask>"]).numpy().tolist() == [b"", b"<mask>"]
    assert tokenizer.cache.lookup(["secret"]).numpy().tolist() == [b"sec ret"]
    assert fresh.get_config() == tokenizer.get_config()
    assert (fresh.vocabulary, fresh.merges) == (tokenizer.vocabulary, tokenizer.merges)
    assert fresh.built


def test_other_tokenizers_have_nothing_to_forget(text_tokenizer):
    assert forgetful(text_tokenizer) is text_tokenizer


def ids_of(words):
    return lambda texts: tf.ragged.constant([[5] * int(text) for text in words], dtype="int64", ragged_rank=1)


@pytest.mark.parametrize(
    ("counts", "around", "width"), [((1, 3), 2, 5), ((9, 1), 2, 6), ((0, 0), 2, 2), ((0, 0), 0, 1), ((2,), 1, 3)]
)
def test_rows_are_as_long_as_the_longest(counts, around, width):
    tokens = TokenTable(9, (1, 2), start_id=(None, None, 1)[around], end_id=(None, 2, 2)[around])
    inputs = TextInputs(["token_ids", "padding_mask"], tokens, 6)(ids_of(counts), None)
    assert list(inputs) == ["token_ids", "padding_mask"]
    for tensor in inputs.values():
        assert tensor.dtype == "int32"
        assert tensor.shape == (len(counts), width)
    lengths = [min(count + around, 6) for count in counts]
    assert inputs["padding_mask"].numpy().sum(axis=1).tolist() == lengths


def test_without_a_mask_rows_have_the_full_length():
    inputs = TextInputs(["segment_ids", "token_ids"], TokenTable(9, (), pad_id=7), 6)(ids_of((1, 2)), None)
    assert inputs["token_ids"].numpy().tolist() == [[5, 7, 7, 7, 7, 7], [5, 5, 7, 7, 7, 7]]
    assert inputs["segment_ids"].numpy().tolist() == [[0] * 6] * 2


def test_where_the_end_token_pads_the_one_that_ends_the_text_is_kept():
    tokens = TokenTable(9, (7,), pad_id=7, end_id=7)
    inputs = TextInputs(["token_ids", "padding_mask"], tokens, 6)(ids_of((1, 2)), None)
    assert inputs["token_ids"].numpy().tolist() == [[5, 7, 7], [5, 5, 7]]
    assert inputs["padding_mask"].numpy().tolist() == [[1, 1, 0], [1, 1, 1]]
