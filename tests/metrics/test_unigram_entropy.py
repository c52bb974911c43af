import numpy as np
import pytest

from keras_ssl import metrics


def test_equals_the_formula(rng):
    tokens = rng.integers(0, 9, 500) ** 2
    counts = np.bincount(tokens)
    expected = -sum(n / 500 * np.log(n / 500) for n in counts if n)
    assert metrics.unigram_entropy(counts) == pytest.approx(expected, rel=1e-12)


def test_ends_of_the_range():
    assert metrics.unigram_entropy([0, 7, 0]) == 0.0
    assert metrics.unigram_entropy(np.full((2, 5), 3)) == pytest.approx(np.log(10))


@pytest.mark.parametrize("counts", [[1, -1], [0, 0], [], [1.0, np.nan]])
def test_refuses(counts):
    with pytest.raises(ValueError, match="`counts` must be finite"):
        metrics.unigram_entropy(counts)
