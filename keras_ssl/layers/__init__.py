"""What stands between an encoder and a loss: heads, and the momentum teacher."""

from keras_ssl.layers.heads import MultiLayerPerceptron, PredictionHead, ProjectionHead
from keras_ssl.layers.momentum_teacher import MomentumTeacher

__all__ = ["MomentumTeacher", "MultiLayerPerceptron", "PredictionHead", "ProjectionHead"]
