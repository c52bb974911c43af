"""What watches a training run: the quality and the health of its embeddings."""

from keras_ssl.callbacks.collapse_warning import CollapseWarning
from keras_ssl.callbacks.knn_monitor import KNNMonitor

__all__ = ["CollapseWarning", "KNNMonitor"]
