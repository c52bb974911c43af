"""Writes down each epoch of a run as soon as it is over."""

import time

import keras
import tensorflow as tf


class RecordEpochs(keras.callbacks.Callback):
    """Saves model, encoder, history and TensorBoard scalars at the end of every epoch.

    The model comes last, for its own clock says how far the run is: after a crash between two files the epoch is
    trained again, and a row too many is dropped.

    Args:
        folder: `RunFolder`.
        rows: list of dicts, the history of the epochs before, which is carried on.
    """

    def __init__(self, folder, rows=()):
        super().__init__()
        self.folder = folder
        self.rows = list(rows)
        self._writer = None

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.folder.tensorboard_path))

    def on_epoch_begin(self, epoch, logs=None):
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        scalars = {name: float(value) for name, value in (logs or {}).items()}
        with self._writer.as_default(step=epoch + 1):
            for name, value in scalars.items():
                tf.summary.scalar(name, value)
        self._writer.flush()
        self.rows.append({"epoch": epoch + 1, **scalars, "seconds": round(time.perf_counter() - self._started, 3)})
        self.folder.write_history(self.rows)
        self.folder.save_encoder(self.model.encoder)
        self.folder.save_model(self.model)

    def on_train_end(self, logs=None):
        self._writer.close()
