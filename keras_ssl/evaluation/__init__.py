"""Judging an encoder: frozen features by neighbours, probes and retrieval; fine-tuning; and the baselines to beat."""

from keras_ssl.evaluation.baselines import random_encoder, raw_features
from keras_ssl.evaluation.evaluate_encoder import evaluate_encoder
from keras_ssl.evaluation.evaluate_text import evaluate_text
from keras_ssl.evaluation.extract_features import extract_features
from keras_ssl.evaluation.feature_function import FeatureFunction
from keras_ssl.evaluation.fine_tune_sentences import fine_tune_sentences
from keras_ssl.evaluation.fine_tune_tokens import fine_tune_tokens
from keras_ssl.evaluation.fine_tuning import FineTuning
from keras_ssl.evaluation.knn import knn, knn_predict
from keras_ssl.evaluation.linear_probe import LinearProbeResult, linear_probe
from keras_ssl.evaluation.text_classification import text_classification
from keras_ssl.evaluation.text_features import encode_texts
from keras_ssl.evaluation.text_retrieval import text_retrieval
from keras_ssl.evaluation.token_report import format_token_report, token_report

__all__ = [
    "FeatureFunction",
    "FineTuning",
    "LinearProbeResult",
    "encode_texts",
    "evaluate_encoder",
    "evaluate_text",
    "extract_features",
    "fine_tune_sentences",
    "fine_tune_tokens",
    "format_token_report",
    "knn",
    "knn_predict",
    "linear_probe",
    "random_encoder",
    "raw_features",
    "text_classification",
    "text_retrieval",
    "token_report",
]
