"""What stands between an encoder and a loss: heads, the momentum teacher, memories."""

from keras_ssl.layers.feature_queue import FeatureQueue
from keras_ssl.layers.heads import MultiLayerPerceptron, PredictionHead, ProjectionHead
from keras_ssl.layers.masked_lm_head import masked_lm_head
from keras_ssl.layers.memory_bank import MemoryBank
from keras_ssl.layers.momentum_teacher import MomentumTeacher
from keras_ssl.layers.prototypes import Prototypes
from keras_ssl.layers.spherical_k_means import spherical_k_means

__all__ = [
    "FeatureQueue",
    "MemoryBank",
    "MomentumTeacher",
    "MultiLayerPerceptron",
    "PredictionHead",
    "ProjectionHead",
    "Prototypes",
    "masked_lm_head",
    "spherical_k_means",
]
