"""Nearest-neighbour accuracy while training."""

import keras

from keras_ssl import evaluation, metrics


class KNNMonitor(keras.callbacks.Callback):
    """Logs `knn`, the accuracy of nearest neighbours on frozen features, and `rankme`, their effective rank.

    Both go into the epoch's logs, so the progress bar and `History` show them. Callbacks that read them, such as
    `EarlyStopping(monitor="knn", mode="max")`, `CSVLogger` or `ModelCheckpoint`, must come *after* this one in the
    list. The model is called with `training=False`: nothing of its training state moves.

    Args:
        train: labelled data, as for `evaluation.extract_features`: the bank of neighbours.
        test: labelled data of the same kind, to classify; `rankme` is that of its features.
        neighbors: int, how many vote.
        temperature: float above 0, of the vote.
        every: int, epochs from one measurement to the next, from the first epoch on; the last epoch is measured too.
            Epochs between log the last measurement again, so that other callbacks find a value in each.
        batch_size: int, rows at a time.
        limit: int, how many of the first rows of `train` and of `test` to use; None for all.

    Raises:
        ValueError: When training begins, if data has no labels or not `neighbors` rows in `limit`; when the features
            become non-finite.

    Example:

    >>> import keras, numpy as np
    >>> from keras_ssl.callbacks import KNNMonitor
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> x, y = np.repeat(np.eye(2, 4), 10, axis=0), np.repeat([0, 1], 10)
    >>> monitor = KNNMonitor((x, y), (x, y), neighbors=3)
    >>> history = model.fit(x, np.zeros((20, 2)), callbacks=[monitor], verbose=0)
    >>> history.history["knn"]
    [1.0]

    Reference: kNN, arXiv 1805.01978; RankMe, arXiv 2210.02885.
    """

    def __init__(self, train, test, neighbors=20, temperature=0.07, every=1, batch_size=256, limit=None):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be 1 or more. Received: every={every}")
        if limit is not None and limit < neighbors:
            raise ValueError(f"`limit` must be at least `neighbors`, {neighbors}. Received: limit={limit}")
        self.train = train
        self.test = test
        self.neighbors = neighbors
        self.temperature = temperature
        self.every = every
        self.batch_size = batch_size
        self.limit = limit
        self.measured = {}

    def on_train_begin(self, logs=None):
        """Makes the function of the features, and tries it: what is wrong shows before the first epoch."""
        self.measured = {}
        self._features = evaluation.FeatureFunction(self.model)
        for name, data in (("train", self.train), ("test", self.test)):
            labels = self._extract(data, limit=1)[1]
            if labels is None:
                raise ValueError(f"`{name}` must be labelled, for instance (x, y). Received: {name} without labels")

    def on_epoch_end(self, epoch, logs=None):
        """Measures where it is due, and writes `knn` and `rankme` into `logs`."""
        due = epoch % self.every == 0 or epoch + 1 == self.params.get("epochs")
        if due or not self.measured:
            self.measured = self._measure()
        if logs is not None:
            logs.update(self.measured)

    def _measure(self):
        train_features, train_labels = self._extract(self.train, self.limit)
        test_features, test_labels = self._extract(self.test, self.limit)
        return {
            "knn": evaluation.knn(
                train_features, train_labels, test_features, test_labels, self.neighbors, self.temperature
            ),
            "rankme": metrics.rankme(test_features),
        }

    def _extract(self, data, limit):
        return evaluation.extract_features(self._features, data, self.batch_size, limit)
