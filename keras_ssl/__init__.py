"""Self-supervised learning for Keras 3 and TensorFlow.

Wrap a backbone in one of `keras_ssl.objectives`, call `fit` on unlabelled data, judge the encoder by
`keras_ssl.evaluation`, and take it away by `keras_ssl.serving` or as a plain Keras model.

Importing this package registers every objective, so that `keras.models.load_model` finds them.
"""

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
