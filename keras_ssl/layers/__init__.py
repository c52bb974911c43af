"""What stands between an encoder and a loss: heads, the momentum teacher, memories."""

from keras_ssl.layers.feature_queue import FeatureQueue
from keras_ssl.layers.heads import MultiLayerPerceptron, PredictionHead, ProjectionHead
from keras_ssl.layers.momentum_teacher import MomentumTeacher

__all__ = ["FeatureQueue", "MomentumTeacher", "MultiLayerPerceptron", "PredictionHead", "ProjectionHead"]
