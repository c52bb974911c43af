import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable


def test_words_begin_where_no_piece_continues_and_after_special_ids(table, sentences):
    found = table.word_ids(tf.constant(sentences[:50])).numpy()
    for row, words in zip(sentences[:50], found, strict=True):
        number, expected, before_special = -1, [], True
        for piece in row:
            special = piece in table.special_ids
            if not special and (before_special or not table.continues[piece]):
                number += 1
            expected.append(-1 if special else number)
            before_special = special
        assert words.tolist() == expected


def test_without_marks_each_piece_is_a_word():
    words = TokenTable(9, (0,)).word_ids(tf.constant([[3, 4, 0, 5]]))
    assert words.numpy().tolist() == [[0, 1, -1, 2]]


def test_ordinary_ids_are_all_that_are_not_special():
    table = TokenTable(10, (0, 3, 4, 9))
    numbers = tf.reshape(tf.range(table.ordinary_count), (2, 3))
    assert table.ordinary(numbers).numpy().tolist() == [[1, 2, 5], [6, 7, 8]]


def test_mask_start_end_and_padding_are_special_whether_named_or_not():
    table = TokenTable(9, (8,), mask_id=4, pad_id=1, start_id=2, end_id=0)
    assert table.special_ids == (0, 1, 2, 4, 8)
    assert table.ordinary(tf.range(table.ordinary_count)).numpy().tolist() == [3, 5, 6, 7]


def test_it_comes_back_from_json(table):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(table)))
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(again.continues, table.continues)
    assert again.get_config() == table.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"special_ids": (9,)}, r"`special_ids` must be in \[0, 9\)"),
        ({"special_ids": (1,), "mask_id": 9}, r"`mask_id` must be in \[0, 9\)"),
        (
            {"special_ids": (1,), "continues": [True]},
            r"`continues` must have one entry .* 9 ids. Received: shape \(1,\)",
        ),
        ({"special_ids": range(9)}, "`size` must leave ids that are not special. Received: size=9"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        TokenTable(9, **arguments)


def test_of_word_piece():
    import keras_hub

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning", "the"]
    table = TokenTable.of(keras_hub.tokenizers.BertTokenizer(vocabulary=vocabulary))
    assert table.special_ids == (0, 1, 2, 3, 4)
    assert (table.size, table.pad_id, table.mask_id) == (8, 0, 4)
    assert np.flatnonzero(table.continues).tolist() == [6]


@pytest.mark.parametrize("sign", ["▁", "Ġ", "▁▂▃"])
def test_a_sign_that_marks_words_elsewhere_is_a_piece_as_any_other(sign):
    import keras_hub

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "run", "##ning", sign]
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=vocabulary)
    assert TokenTable.of(tokenizer).word_ids(tf.constant([[2, 5, 6, 7, 5, 3]])).numpy().tolist() == [
        [-1, 0, 0, 1, 2, -1]
    ]


def test_of_byte_pairs():
    import keras_hub

    pieces = ["<s>", "<pad>", "</s>", "<mask>", "a", "Ġa", "b", "ab", "<unk>"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = keras_hub.tokenizers.RobertaTokenizer(vocabulary=vocabulary, merges=["a b"])
    table = TokenTable.of(tokenizer)
    assert (table.pad_id, table.mask_id) == (1, 3)
    assert table.special_ids == (0, 1, 2, 3, 8)
    ordinary = [number for number in np.flatnonzero(table.continues) if number not in table.special_ids]
    assert ordinary == [4, 6, 7]


def test_of_sentence_pieces():
    import keras_hub
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the cat saw a dog", "a bird heard the fish"] * 5),
        model_writer=model,
        vocab_size=40,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        pad_piece="<pad>",
        minloglevel=2,
    )
    tokenizer = keras_hub.tokenizers.T5Tokenizer(proto=model.getvalue())
    table = TokenTable.of(tokenizer)
    assert (table.pad_id, table.start_id, table.end_id, table.special_ids) == (0, None, 1, (0, 1, 2))
    pieces = [tokenizer.id_to_token(number) for number in range(3, table.size)]
    assert table.continues[3:].tolist() == [not piece.startswith("▁") for piece in pieces]
    ids = tf.ragged.constant(tokenizer(["the cat saw a bird", "a dog"])).to_tensor()
    assert table.word_ids(ids).numpy().max(axis=1).tolist() == [4, 1]  # numbered from 0
