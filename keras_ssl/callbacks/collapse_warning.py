"""Telling that all embeddings have become one."""

import warnings

import keras

GUIDE = "docs/guides/choose_an_objective.md#when-embeddings-collapse"


class CollapseWarning(keras.callbacks.Callback):
    """Warns once when embeddings collapse: when their spread falls below a small share of the healthy one.

    The warning names the likely causes, and the page of the guide that tells them apart.

    It reads `embedding_std` from the epoch's logs, where every objective writes it. Evenly spread embeddings of width
    `d` have about `1 / sqrt(d)`, and trained ones mostly more than half of that; at a tenth 99 % of each
    vector's square length is the same for all rows. A warning at `threshold=0.1` is therefore hardly ever false. That
    embeddings fill few of their dimensions is another matter: `rankme` shows it.

    Args:
        threshold: float in (0, 1), the share of `1 / sqrt(d)` below which embeddings count as collapsed.
        patience: int, how many epochs in a row must lie below it.
        dimension: int, the width `d`; None to take it from `model.z_dim`.
        stop: bool, whether to stop training as well.

    Raises:
        ValueError: If an argument is out of its range, if the width is not known, or if nothing logs
            `embedding_std`.

    Example:

    >>> import keras
    >>> from keras_ssl.callbacks import CollapseWarning
    >>> watch = CollapseWarning(dimension=64)
    >>> watch.on_train_begin()
    >>> watch.on_epoch_end(0, {"embedding_std": 0.12})  # healthy is 0.125: silent

    Reference: SimSiam, arXiv 2011.10566, section 4.1.
    """

    def __init__(self, threshold=0.1, patience=1, dimension=None, stop=False):
        super().__init__()
        if not 0 < threshold < 1:
            raise ValueError(f"`threshold` must be in (0, 1). Received: threshold={threshold}")
        if patience < 1:
            raise ValueError(f"`patience` must be 1 or more. Received: patience={patience}")
        if dimension is not None and dimension < 1:
            raise ValueError(f"`dimension` must be 1 or more. Received: dimension={dimension}")
        self.threshold = threshold
        self.patience = patience
        self.dimension = dimension
        self.stop = stop

    def on_train_begin(self, logs=None):
        """Starts anew, and finds the healthy value."""
        dimension = self.dimension or getattr(self.model, "z_dim", None)
        if dimension is None:
            raise ValueError("`dimension` must be given for a model without `z_dim`. Received: dimension=None")
        self._healthy = dimension**-0.5
        self._low = 0
        self._warned = False

    def on_epoch_end(self, epoch, logs=None):
        """Counts epochs below the threshold, and warns at the first time there are `patience` in a row."""
        if "embedding_std" not in (logs or {}):
            raise ValueError(
                "`CollapseWarning` needs `embedding_std` in the logs, as every objective writes it. "
                f"Received: logs={sorted(logs or {})}"
            )
        value = logs["embedding_std"]
        self._low = self._low + 1 if value < self.threshold * self._healthy else 0
        if self._low < self.patience:
            return
        if self.stop:
            self.model.stop_training = True
        if not self._warned:
            self._warned = True
            warnings.warn(self._message(epoch, value), RuntimeWarning, stacklevel=2)

    def _message(self, epoch, value):
        return (
            f"The embeddings have collapsed: embedding_std is {value:.2g} after epoch {epoch + 1}, where about "
            f"{self._healthy:.2g} is healthy. Likely causes: a learning rate that is too high, a temperature that does "
            "not suit the loss, a missing stop-gradient or predictor, batch statistics that differ between views or "
            f"replicas, a batch that is too small. How to tell which, and what helps: {GUIDE}"
        )
