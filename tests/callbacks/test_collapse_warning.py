import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import data, losses
from keras_ssl.callbacks import CollapseWarning
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel


class Embeddings(keras.Model):
    """Logs the values it is given, one an epoch."""

    z_dim = 25

    def __init__(self, values):
        super().__init__()
        self.values = iter(values)
        self.dense = keras.layers.Dense(1)
        self.compile("sgd", "mse")

    def call(self, x):
        return self.dense(x)

    def train(self, callback, epochs):
        write = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(embedding_std=next(self.values))
        )
        return self.fit(np.ones((2, 3)), np.ones((2, 1)), epochs=epochs, verbose=0, callbacks=[write, callback])


class Siamese(JointEmbeddingModel):
    """Each view predicts the other's projection; what keeps it from collapsing can be left out."""

    terms = ("distance",)

    def __init__(self, encoder, stop_gradient, **kwargs):
        super().__init__(encoder, projection_widths=(32, 16), prediction_widths=(8, 16), **kwargs)
        self.stop_gradient = stop_gradient

    def forward(self, views, training):
        projections = self.project(views, training)
        predictions = [self.predictor(z, training=training) for z in projections]
        targets = [ops.stop_gradient(z) for z in projections] if self.stop_gradient else projections
        return {"z": ops.concatenate(projections, axis=0), "predictions": predictions, "targets": targets}

    def objective(self, outputs):
        pairs = zip(outputs["predictions"], reversed(outputs["targets"]), strict=True)
        return {"distance": sum(losses.negative_cosine(*pair) for pair in pairs)}


def noisy_views(x, rng):
    x = ops.cast(x, "float32")
    return tuple(x + 40.0 * rng.normal(f"noise_{view}", shape=(28, 28, 1)) for view in range(2))


def train_siamese(stop_gradient):
    encoder = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(32)]
    )
    model = Siamese(encoder, stop_gradient, augment=noisy_views)
    model.compile(keras.optimizers.SGD(0.3, momentum=0.9))
    pictures = data.load("fashion_mnist_sample").take(512)
    model.fit(pictures, batch_size=64, epochs=3, verbose=0, callbacks=[CollapseWarning()])


def test_a_training_without_stop_gradient_collapses_and_is_seen():
    with pytest.warns(RuntimeWarning, match="The embeddings have collapsed"):
        train_siamese(stop_gradient=False)


def test_the_same_training_with_stop_gradient_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        train_siamese(stop_gradient=True)


def test_warns_once_with_values_causes_and_where_to_read_on():
    with pytest.warns(RuntimeWarning) as told:
        Embeddings([0.15, 0.019, 0.001, 0.15, 0.001]).train(CollapseWarning(), 5)
    (message,) = [str(w.message) for w in told if "collapsed" in str(w.message)]
    for words in (
        "0.019 after epoch 2",
        "about 0.2 is healthy",
        "learning rate",
        "temperature",
        "stop-gradient or predictor",
        "batch statistics",
        "a batch that is too small",
        "docs/guides/choose_an_objective.md#when-embeddings-collapse",
    ):
        assert words in message


def test_silent_while_healthy():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Embeddings([0.2, 0.021, 0.1]).train(CollapseWarning(), 3)


def test_patience_counts_epochs_in_a_row():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Embeddings([0.01, 0.01, 0.2, 0.01, 0.01]).train(CollapseWarning(patience=3), 5)
    with pytest.warns(RuntimeWarning, match="after epoch 4"):
        Embeddings([0.2, 0.01, 0.01, 0.01]).train(CollapseWarning(patience=3), 4)


def test_warns_again_in_another_fit():
    model, callback = Embeddings([0.01, 0.01]), CollapseWarning()
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="collapsed"):
            model.train(callback, 1)


def test_stop():
    with pytest.warns(RuntimeWarning, match="collapsed"):
        history = Embeddings([0.2, 0.01, 0.2]).train(CollapseWarning(stop=True), 3)
    assert len(history.epoch) == 2


def test_dimension_goes_before_that_of_the_model():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Embeddings([0.015]).train(CollapseWarning(dimension=100), 1)
    with pytest.warns(RuntimeWarning, match="about 0.1 is healthy"):
        Embeddings([0.009]).train(CollapseWarning(dimension=100), 1)


def test_bad_arguments():
    for arguments in ({"threshold": 1.0}, {"threshold": 0.0}, {"patience": 0}, {"dimension": 0}):
        (name,) = arguments
        with pytest.raises(ValueError, match=f"`{name}` must be.*Received: {name}="):
            CollapseWarning(**arguments)


def test_unknown_width_and_missing_log():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`dimension` must be given"):
        model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0, callbacks=[CollapseWarning()])
    with pytest.raises(ValueError, match=r"needs `embedding_std` in the logs.*logs=\['loss'\]"):
        model.fit(np.ones((2, 3)), np.ones((2, 1)), verbose=0, callbacks=[CollapseWarning(dimension=4)])
