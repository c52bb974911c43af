import itertools

import numpy as np
import pytest

from keras_ssl.augment.text import TokenTable
from keras_ssl.data import TokenSource
from keras_ssl.data.cached_folder import cached_folder
from keras_ssl.data.token_store import CONTINUES, IDS, write_columns

PAD, UNKNOWN, BEGIN, END, MASK = range(5)


@pytest.fixture
def make_tokens(tmp_path):
    """Makes a `TokenSource` of lists of ids, without texts or a tokenizer; ids up to 4 are special."""
    numbers = itertools.count()

    def make(rows, *, labels=None, documents=None, continues=None, start_id=BEGIN, end_id=END, **arrangement):
        table = TokenTable(60_000, range(5), mask_id=MASK, start_id=start_id, end_id=end_id)

        def fill(folder):
            np.concatenate(rows).astype("uint16").tofile(folder / IDS)
            if continues is not None:
                np.concatenate(continues).astype("bool").tofile(folder / CONTINUES)
            write_columns(folder, np.cumsum([0, *map(len, rows)]), labels, documents)
            return {"name": "made-up", "classes": None, "dtype": "uint16", "table": table.get_config()}

        folder = tmp_path / f"tokens-{next(numbers)}"
        cached_folder(folder, fill)
        return TokenSource(folder, **arrangement)

    return make
