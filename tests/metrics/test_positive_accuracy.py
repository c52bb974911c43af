import numpy as np

from keras_ssl import metrics


def test_counts_rows_whose_positive_is_largest(rng):
    logits, positives = rng.normal(size=(50, 7)), rng.integers(0, 7, 50)
    expected = np.mean([row.argmax() == positive for row, positive in zip(logits, positives, strict=True)])
    assert float(metrics.positive_accuracy(logits, positives)) == np.float32(expected)
