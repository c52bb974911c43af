import numpy as np
import pytest

from keras_ssl.augment.text import TokenTable

PAD, BEGIN, END, MASK, UNKNOWN = range(5)
SIZE = 200


@pytest.fixture(scope="session")
def table():
    """Every third of the ordinary ids continues a word."""
    continues = (np.arange(SIZE) % 3 == 0) & (np.arange(SIZE) > UNKNOWN)
    return TokenTable(SIZE, (PAD, BEGIN, END, MASK, UNKNOWN), mask_id=MASK, pad_id=PAD, continues=continues)


@pytest.fixture(scope="session")
def sentences():
    """1,500 rows of 3 to 128 pieces, begin and end included, padded to 128: some 100,000 pieces."""
    rng = np.random.default_rng(1)
    rows = np.full((1500, 128), PAD, "int32")
    for row, length in zip(rows, rng.integers(3, 129, len(rows)), strict=True):
        row[:length] = rng.integers(UNKNOWN, SIZE, length)
        row[0], row[length - 1] = BEGIN, END
        if (row[1 : length - 1] == UNKNOWN).all():
            row[1] = SIZE - 1
    return rows
