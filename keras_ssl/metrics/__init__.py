"""The health of embeddings: how far they spread, how many dimensions they use, how close positives are."""

from keras_ssl.metrics.alignment import alignment
from keras_ssl.metrics.direction import larger_is_better
from keras_ssl.metrics.embedding_std import EmbeddingStd, embedding_std
from keras_ssl.metrics.positive_accuracy import positive_accuracy
from keras_ssl.metrics.rankme import rankme
from keras_ssl.metrics.uniformity import uniformity

__all__ = [
    "EmbeddingStd",
    "alignment",
    "embedding_std",
    "larger_is_better",
    "positive_accuracy",
    "rankme",
    "uniformity",
]
