"""Finds out, before training, how many steps `fit` will take and how large its batches are."""

import math
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from keras_ssl import distribution
from keras_ssl.objectives.batch import first_tensor


@dataclass(frozen=True)
class FitPlan:
    """What `fit` is to be called with, and what schedules need to know of it.

    Attributes:
        x: what Keras's `fit` gets as its data.
        batch_size: what Keras's `fit` gets; None unless the data are arrays.
        steps_per_epoch: what Keras's `fit` gets; None where Keras counts itself.
        batches_per_epoch: int.
        global_batch_size: int, rows of a full batch over all replicas.
        rows: int, rows that Keras will cut batches from; None unless the data are arrays.
        data_rows: int, rows there are in the data, a last batch of a dataset counted as full; None where it is endless.
        fixed_size: bool, False for a dataset whose last batch may be smaller.
        random_access: bool, whether the data begin where the training stands; else they begin at the front.
        endless: bool, whether one pass goes on over all epochs.
        countable: bool, False where Keras carries a pass over into the next epoch without telling how far it is.
        ordered: a function that makes a finite pass over the data in index order, unaugmented; None if there is none.
    """

    x: object
    batch_size: int | None
    steps_per_epoch: int | None
    batches_per_epoch: int
    global_batch_size: int
    ordered: object
    rows: int | None = None
    data_rows: int | None = None
    fixed_size: bool = True
    random_access: bool = False
    endless: bool = False
    countable: bool = True

    def batches_to_drop(self, position):
        """Batches to take out of the data before a training can go on from this `Position`: int."""
        if self.random_access:
            return 0
        return position.taken if self.endless else position.batch


def is_source(x):
    """Whether this is a source with random access, like those of `keras_ssl.data`."""
    return hasattr(x, "batches") and hasattr(x, "ordered")


def plan_fit(x, y, batch_size, steps_per_epoch, *, strategy, validation_split=0.0, seed, start, prepare=None):
    """Makes the plan for any data that `fit` takes.

    Args:
        x: source, `tf.data.Dataset`, `keras.utils.PyDataset`, array, or dict or tuple of arrays.
        y: array or None.
        batch_size: int or None; for sources (default 256) and arrays (default 32, as in Keras).
        steps_per_epoch: int or None.
        strategy: the `tf.distribute` strategy of the model.
        validation_split: float, share of the rows of arrays that Keras will keep for validation.
        seed: int, seed of the order of a source.
        start: int, number of the first batch that is taken from a source.
        prepare: what is done to the batches of a source, see `dealt`.
    """
    if is_source(x):
        return _plan_source(x, batch_size or 256, steps_per_epoch, strategy, seed, start, prepare)
    if isinstance(x, keras.utils.PyDataset):
        return _plan_py_dataset(x, steps_per_epoch)
    if isinstance(x, tf.data.Dataset):
        return _plan_dataset(x, batch_size, steps_per_epoch)
    if hasattr(x, "__next__") or isinstance(x, tf.distribute.DistributedDataset):
        raise ValueError(
            "`x` must be a source, arrays, a tf.data.Dataset or a keras.utils.PyDataset: a generator cannot be "
            f"planned or resumed, and `fit` itself deals batches to replicas. Received: x of type {type(x).__name__}"
        )
    return _plan_arrays(x, y, batch_size or 32, steps_per_epoch, validation_split)


def dealt(source, batch_size, strategy, seed, start=0, batches=None, prepare=None):
    """The batches of a source, of which each worker reads only what its own replicas need.

    Args:
        source: source.
        batch_size: int, rows of a global batch.
        strategy: the `tf.distribute` strategy.
        seed: int, seed of the order.
        start: int, number of the first batch.
        batches: int, number of batches, or None for no end.
        prepare: function `(batch, step, replica, replicas)` to another batch, made in the input pipeline beside the
            steps; or None.
    """

    def read(dealt_here, **only_these):
        dataset = source.batches(batch_size, seed=seed, start=start, **only_these)
        if batches is not None:
            count = batches * len(dealt_here.mine)
            # Without the number of them, where it cannot be told, Keras warns at the last.
            dataset = dataset.take(count).apply(tf.data.experimental.assert_cardinality(count))
        if prepare is None:
            return dataset
        mine = tf.constant(dealt_here.mine, "int32")

        def prepared(element, batch):
            return prepare(batch, start + element // len(mine), mine[element % len(mine)], dealt_here.total)

        numbered = dataset.enumerate().map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
        return numbered.prefetch(tf.data.AUTOTUNE)

    if distribution.worker_count(strategy) == 1:
        return read(distribution.Slices((0,), 1))

    def read_here(context):
        slices = distribution.slices_of(strategy, context)
        return read(slices, slices=slices)

    return strategy.distribute_datasets_from_function(read_here)


def _plan_source(source, batch_size, steps_per_epoch, strategy, seed, start, prepare):
    if len(source) < batch_size:
        raise ValueError(f"`batch_size` must be at most {len(source)}, the rows there are. Received: {batch_size}")
    steps = steps_per_epoch or len(source) // batch_size
    if batch_size % strategy.num_replicas_in_sync:
        raise uneven(batch_size, strategy)
    dataset = dealt(source, batch_size, strategy, seed, start, prepare=prepare)
    return FitPlan(
        dataset,
        None,
        steps,
        steps,
        batch_size,
        lambda: source.ordered(batch_size),
        data_rows=len(source),
        random_access=True,
    )


def _plan_py_dataset(dataset, steps_per_epoch):
    steps = steps_per_epoch or dataset.num_batches
    if steps is None:
        raise _unknown_length()
    batch = int(first_tensor(dataset[0]).shape[0])

    def ordered():
        return (dataset[index] for index in range(dataset.num_batches))

    whole = ordered if dataset.num_batches else None
    countable = int(steps) == dataset.num_batches
    rows = dataset.num_batches and dataset.num_batches * batch
    return FitPlan(dataset, None, steps_per_epoch, int(steps), batch, whole, data_rows=rows, countable=countable)


def _plan_dataset(dataset, batch_size, steps_per_epoch):
    if batch_size is not None:
        raise ValueError(
            "`batch_size` must be None for a tf.data.Dataset: call .batch(n, drop_remainder=True) on it. "
            f"Received: batch_size={batch_size}"
        )
    batch = first_tensor(dataset.element_spec).shape[0]
    fixed_size = batch is not None
    count = int(dataset.cardinality())
    finite = count >= 0
    if steps_per_epoch is None and not finite:
        raise _unknown_length()
    if count == 0:
        raise ValueError("`x` must hold at least one batch. Received: a dataset of 0 batches")
    if batch is None:
        batch = int(first_tensor(next(iter(dataset.take(1)))).shape[0])
    ordered = (lambda: dataset) if finite else None
    steps = steps_per_epoch or count
    carried_over = finite and steps < count  # Keras goes on with the pass in the next epoch: so does an endless one
    return FitPlan(
        dataset.repeat() if carried_over else dataset,
        None,
        steps_per_epoch,
        steps,
        int(batch),
        ordered,
        data_rows=count * int(batch) if finite else None,
        fixed_size=fixed_size,
        endless=carried_over or not finite,
    )


def _plan_arrays(x, y, batch_size, steps_per_epoch, validation_split):
    rows = first_tensor(x).shape[0]
    if rows == 0:
        raise ValueError("`x` must have at least one row. Received: 0 rows")
    counts = {leaf.shape[0] for leaf in tf.nest.flatten((x, y)) if hasattr(leaf, "shape")}
    if len(counts) > 1:
        raise ValueError(f"`x` and `y` must have as many rows in each array. Received: {sorted(counts)} rows")
    for leaf in tf.nest.flatten(x):
        _check_finite(leaf)
    rows = math.floor(rows * (1.0 - validation_split))
    batches = math.ceil(rows / batch_size)

    def ordered():
        data = x if y is None else (x, y)
        return tf.data.Dataset.from_tensor_slices(data).batch(batch_size)

    steps = steps_per_epoch or batches
    countable = steps == batches
    size = min(batch_size, rows)
    return FitPlan(x, batch_size, steps_per_epoch, steps, size, ordered, rows, data_rows=rows, countable=countable)


def _check_finite(leaf):
    if isinstance(leaf, np.ndarray) and np.issubdtype(leaf.dtype, np.floating):
        # The sum is not finite if any value is not; it needs no array of flags.
        with np.errstate(invalid="ignore", over="ignore"):
            total = leaf.sum(dtype="float64")
        if not np.isfinite(total):
            bad = np.argwhere(~np.isfinite(leaf.reshape(len(leaf), -1)).all(axis=1))[:, 0]
            if len(bad):
                raise ValueError(
                    "`x` must be finite. "
                    f"Received: NaN or infinity in {len(bad)} of {len(leaf)} rows, the first at {bad[0]}"
                )


def uneven(batch_size, strategy):
    """The error of a batch that the replicas cannot share."""
    return ValueError(
        "`batch_size` counts the rows of all replicas and must be a multiple of their number, "
        f"{strategy.num_replicas_in_sync}. Received: batch_size={batch_size}"
    )


def _unknown_length():
    return ValueError(
        "`steps_per_epoch` must be given for a dataset of unknown or endless length, for schedules need the number of "
        "steps. Received: steps_per_epoch=None"
    )
