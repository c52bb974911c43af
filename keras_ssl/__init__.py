"""Self-supervised learning for Keras 3 and TensorFlow.

Wrap a backbone in one of `keras_ssl.objectives`, call `fit` on unlabelled data, judge the encoder by
`keras_ssl.evaluation`, and take it away by `keras_ssl.serving` or as a plain Keras model.

Importing this package registers every objective, so that `keras.models.load_model` finds them.
"""

import os
import sys

if os.path.basename(sys.argv[0]) == "keras-ssl":
    # The command says itself what it computes on; TensorFlow's notes on that must be turned off before it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

if keras.backend.backend() != "tensorflow":
    raise ImportError(
        "keras_ssl runs on TensorFlow: set the environment variable KERAS_BACKEND=tensorflow before Keras is imported. "
        f"Received: KERAS_BACKEND={keras.backend.backend()}"
    )

from keras_ssl import (
    augment,
    backbones,
    callbacks,
    data,
    distribution,
    evaluation,
    layers,
    losses,
    metrics,
    objectives,
    optimizers,
    random,
    schedules,
    serving,
)
from keras_ssl.version import __version__

__all__ = [
    "__version__",
    "augment",
    "backbones",
    "callbacks",
    "data",
    "distribution",
    "evaluation",
    "layers",
    "losses",
    "metrics",
    "objectives",
    "optimizers",
    "random",
    "schedules",
    "serving",
]
