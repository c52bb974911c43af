"""From a recipe and options to a folder with a trained encoder."""

import contextlib
import dataclasses
import datetime
import platform

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import callbacks, distribution
from keras_ssl.runs.early_stopping import early_stopping
from keras_ssl.runs.picture_job import PictureJob
from keras_ssl.runs.record_epochs import RecordEpochs
from keras_ssl.runs.splits import spread
from keras_ssl.runs.text_job import TextJob
from keras_ssl.version import __version__

JOBS = {"pictures": PictureJob, "texts": TextJob}
MEASURED_ROWS = 10_000  # of each split, for the kNN while training
MEASUREMENTS = 5
NEIGHBORS = 20


def pretrain(recipe, options, folder, *, strategy=None, progress=()):
    """Trains as the recipe and the options say, and writes everything into the folder as it goes.

    A folder that holds a run already is gone on with, exactly where its last checkpoint is. Nothing is written before
    data, options and model have been found to fit. With several workers each of them calls this, with a folder that
    they share; only the chief writes.

    Args:
        recipe: `keras_ssl.recipes.Recipe`.
        options: `RunOptions`.
        folder: `RunFolder`.
        strategy: the `tf.distribute` strategy of `options`, if it is made already.
        progress: callbacks that show how training goes; they see all that is logged.

    Returns:
        The trained `keras_ssl.objectives.SelfSupervisedModel`. With early stopping it has the weights of the best
        epoch, and so have `encoder.keras` and `model.keras`; the checkpoint is that of the last epoch.

    Raises:
        ValueError: If data or options do not fit.
        FloatingPointError: If the loss became non-finite; the last good weights are saved.
        ConnectionError: If another worker was lost.
        keras_ssl.callbacks.Preempted: After SIGTERM.
    """
    # First, for it must come before TensorFlow uses its devices.
    strategy = strategy or distribution.strategy(options.strategy)
    with distribution.lost_worker_told(strategy):
        return _pretrain(recipe, options, folder, strategy, progress)


def _pretrain(recipe, options, folder, strategy, progress):
    is_chief = distribution.is_chief(strategy)
    keras.utils.set_random_seed(options.seed)
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    job = JOBS[recipe.kind](recipe, options)
    if _was_finished(folder, options):
        with strategy.scope():
            return keras.models.load_model(folder.model_path)
    checkpoint = callbacks.Checkpoint(
        folder.checkpoints_path,
        every=options.checkpoint_every,
        keep=options.keep_checkpoints,
        best=options.keep_best,
    )
    with strategy.scope(), _dtype_policy(options.mixed_precision):
        model = _new_model(job, strategy)
        if not checkpoint.paths():
            job.begin(model)
    recording = []

    def describe(state):
        if is_chief:
            _describe(folder, options, model, job, state)

    def save():
        if is_chief:
            folder.save_encoder(model.encoder)
            folder.save_model(model)

    def begin(logs):
        job.save(folder)
        folder.sweep()
        folder.forget_metrics()
        describe("training")

    if is_chief:
        recording = [keras.callbacks.LambdaCallback(on_train_begin=begin), RecordEpochs(folder)]
    try:
        model.fit(
            job.train,
            batch_size=options.batch_size,
            epochs=options.epochs,
            callbacks=[*_watching(options, model, job), *recording, *progress, checkpoint],
            verbose=0,
        )
    except FloatingPointError as error:
        save()
        describe("stopped: the loss became non-finite")
        raise FloatingPointError(f"{error} They are saved in {folder.path}.") from error
    except callbacks.Preempted:
        describe("stopped: SIGTERM")
        raise
    save()
    describe("trained")
    return model


def _was_finished(folder, options):
    """Whether this very training came to its end, perhaps early: to go on would replace its best encoder."""
    if not folder.holds_run() or not folder.model_path.is_file():
        return False
    config = folder.read_config()
    return config["state"] == "trained" and config["options"]["epochs"] >= options.epochs


@contextlib.contextmanager
def _dtype_policy(policy):
    before = keras.config.dtype_policy()
    if policy:
        keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _new_model(job, strategy):
    model = job.model()
    if strategy.num_replicas_in_sync > 1:
        # So that any number of replicas learns what one would.
        distribution.synchronize_batch_norm(model)
    return model


def _watching(options, model, job):
    watching, logged = [callbacks.CollapseWarning()], {metric.name for metric in model.metrics}
    if job.watched is not None:
        train, test = job.watched
        stops_on_it = options.early_stopping and options.early_stopping.startswith(("knn", "rankme"))
        every = 1 if stops_on_it else max(1, options.epochs // MEASUREMENTS)
        bank, asked = spread(train, MEASURED_ROWS), spread(test, MEASURED_ROWS)
        watching.append(callbacks.KNNMonitor(bank, asked, neighbors=min(NEIGHBORS, len(bank)), every=every))
        logged |= {"knn", "rankme"}
    if options.early_stopping:
        watching.append(early_stopping(options.early_stopping, logged))
    if options.keep_best is not None and options.keep_best not in logged:
        raise ValueError(
            f"`keep_best` must name a metric that this run logs: {', '.join(sorted(logged))}. "
            f"Received: keep_best={options.keep_best!r}"
        )
    return watching


def _describe(folder, options, model, job, state):
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    started = folder.read_config()["started"] if folder.holds_run() else now
    folder.update_config(
        options=dataclasses.asdict(options),
        objective=type(model).__name__,
        parameters=model.encoder.count_params(),
        z_dim=model.z_dim,
        **job.described(),
        state=state,
        started=started,
        changed=now,
        versions={
            "python": platform.python_version(),
            "keras_ssl": __version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
        },
    )
