"""Judging an encoder by its frozen features: nearest neighbours, linear probes, and the baselines to beat."""

from keras_ssl.evaluation.baselines import random_encoder, raw_features
from keras_ssl.evaluation.evaluate_encoder import evaluate_encoder
from keras_ssl.evaluation.extract_features import extract_features
from keras_ssl.evaluation.feature_function import FeatureFunction
from keras_ssl.evaluation.knn import knn, knn_predict
from keras_ssl.evaluation.linear_probe import LinearProbeResult, linear_probe

__all__ = [
    "FeatureFunction",
    "LinearProbeResult",
    "evaluate_encoder",
    "extract_features",
    "knn",
    "knn_predict",
    "linear_probe",
    "random_encoder",
    "raw_features",
]
