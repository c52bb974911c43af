import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.augment.text import TokenTable, padding_mask

END = 8
APART = TokenTable(9, (0, END), end_id=END)
PADS = TokenTable(9, (END,), pad_id=END, end_id=END)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([3, 4, END, END, END], [1, 1, 1, 0, 0]),  # padded: the end of the text is a token
        ([3, END, 4, END, 5], [1, 1, 1, 1, 1]),  # packed: cut within a document
        ([3, END, 4, 5, END], [1, 1, 1, 1, 1]),  # packed: cut behind one
        ([END, 3, 4, END, END], [1, 1, 1, 1, 0]),
        ([END, END, END, END, END], [1, 0, 0, 0, 0]),  # an empty text
        ([0, 3, 0, 4, 5], [1, 1, 1, 1, 1]),  # GPT-2's 0 is "!"
    ],
)
def test_where_the_end_token_pads_the_first_is_a_token(row, expected):
    assert padding_mask(np.array([row]), PADS).numpy().tolist() == [expected]


def test_elsewhere_padding_is_the_padding_token():
    rows = tf.constant([[3, 4, END, 0, 0], [0, 0, 0, 0, 0]])
    assert padding_mask(rows, APART).numpy().tolist() == [[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
