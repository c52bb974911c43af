"""The health of embeddings: how far they spread, how many dimensions they use; how well pairs and tokens are found."""

from keras_ssl.metrics.alignment import alignment
from keras_ssl.metrics.direction import larger_is_better
from keras_ssl.metrics.embedding_std import EmbeddingStd, embedding_std
from keras_ssl.metrics.perplexity import Perplexity
from keras_ssl.metrics.positive_accuracy import positive_accuracy
from keras_ssl.metrics.rankme import rankme
from keras_ssl.metrics.retrieval import retrieval
from keras_ssl.metrics.token_accuracy import token_accuracy
from keras_ssl.metrics.uniformity import uniformity
from keras_ssl.metrics.unigram_entropy import unigram_entropy

__all__ = [
    "EmbeddingStd",
    "Perplexity",
    "alignment",
    "embedding_std",
    "larger_is_better",
    "positive_accuracy",
    "rankme",
    "retrieval",
    "token_accuracy",
    "uniformity",
    "unigram_entropy",
]
