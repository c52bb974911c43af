"""What an objective refuses, each in one clear line: encoders, inputs, batch sizes, and what replicas cannot do."""

import keras
import tensorflow as tf

from keras_ssl.objectives import updates
from keras_ssl.objectives.batch import as_batch
from keras_ssl.objectives.fit_plan import uneven


def feature_dim(encoder, feature_key):
    """Width of an encoder's features; refuses what is not built, or gives no features of rank 2."""
    if not isinstance(encoder, keras.Model) or not encoder.built or not getattr(encoder, "inputs", None):
        raise ValueError(
            "`encoder` must be a built Functional or Sequential model: give it a keras.Input, or wrap a backbone with "
            f"keras_ssl.backbones.pool. Received: encoder={encoder!r}"
        )
    output = encoder.outputs[0] if isinstance(encoder, keras.Sequential) else encoder.output
    output = output if feature_key is None else output[feature_key]
    shape = getattr(output, "shape", None)
    if shape is None or len(shape) != 2 or shape[-1] is None:
        shapes = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), output)
        raise ValueError(
            "`encoder` must give features of shape (batch, features): name one output by `feature_key`, or pool tokens "
            f"and maps with keras_ssl.backbones.pool. Received: output {shapes}"
        )
    return int(shape[-1])


def check_batch(model, batch):
    """Refuses what the objective cannot take, and given views that are no tuple."""
    for key, wanted, what in (
        ("y", model.uses_labels, "labels"),
        ("index", model.uses_index, "the number of each row"),
    ):
        if wanted and key not in batch:
            raise ValueError(
                f"`x` must come with {what}, for {type(model).__name__} learns from it: give a source of "
                f"keras_ssl.data, or batches that are dicts with 'x' and {key!r}. Received: a batch of {sorted(batch)}"
            )
    if "views" in batch and not model.takes_views:
        raise ValueError(
            f"`x` must have the key 'x', for {type(model).__name__} makes its own views and learns from no pairs. "
            f"Received: a batch of {sorted(batch)}"
        )
    if "views" in batch and not isinstance(batch["views"], (tuple, list)):
        raise ValueError(f"`views` must be a tuple of batches. Received: views of type {type(batch['views']).__name__}")
    for x in batch.get("views", ()) or (batch["x"],):
        model.check_x(x)


def check_input(x, encoder):
    """Refuses one input with the wrong rank or with strings where the encoder wants numbers."""
    expected = encoder.input_shape
    if isinstance(x, dict) or not isinstance(expected, tuple) or not hasattr(x, "shape"):
        return  # several inputs: Keras itself names what is missing
    rank = x.shape.rank if isinstance(x, tf.Tensor) else len(x.shape)
    if rank is not None and rank != len(expected):
        raise ValueError(
            f"`x` must have rank {len(expected)}, for the encoder takes {expected}. Received: shape {tuple(x.shape)}"
        )
    dtype = getattr(x.dtype, "name", str(x.dtype))
    if not dtype.startswith(("float", "bfloat", "int", "uint")) and "string" not in str(encoder.inputs[0].dtype):
        raise ValueError(
            f"`x` must be numbers, for the encoder takes {encoder.inputs[0].dtype}. Received: dtype {dtype}"
        )
    if x.shape[0] == 0:
        raise ValueError(f"`x` must have at least one row. Received: shape {tuple(x.shape)}")


def check_view(view, encoder, made_by="augment"):
    """Refuses a view of another size than the encoder takes; `made_by` is the argument to blame."""
    if isinstance(encoder.input_shape, (list, dict)) or not hasattr(view, "shape"):
        return  # several inputs: Keras itself names what does not fit
    wanted, given = tuple(encoder.input_shape[1:]), tuple(view.shape[1:])
    if any(None not in (ours, theirs) and ours != theirs for ours, theirs in zip(wanted, given, strict=False)):
        raise ValueError(
            f"`{made_by}` must have the shape that the encoder takes, {wanted}, in each view, or the encoder must "
            f"leave height and width open, as keras.Input((None, None, 3)) does. Received: a view of shape {given}"
        )


def check_plan(model, plan, y):
    """Refuses data whose batches the replicas cannot share, or that are too small for the objective."""
    replicas = model.distribute_strategy.num_replicas_in_sync
    if plan.global_batch_size % replicas:
        raise uneven(plan.global_batch_size, model.distribute_strategy)
    if replicas > 1 and not plan.fixed_size:
        raise ValueError(
            "`x` must have batches of one known size on several replicas: use .batch(n, drop_remainder=True). "
            f"Received: batches of unknown size on {replicas} replicas"
        )
    model.check_data(plan.data_rows, plan.global_batch_size)
    if plan.batch_size is not None:  # arrays: Keras cuts the batches
        check_batch(model, as_batch((plan.x, y)))
        left = plan.rows % plan.batch_size
        if left and (left < model.minimum_batch or left % model.batch_multiple or left % replicas):
            raise ValueError(
                f"`batch_size` must leave no last batch of {left} rows, which {type(model).__name__} on {replicas} "
                "replica(s) cannot take: leave rows out, or use a tf.data.Dataset with drop_remainder=True. "
                f"Received: {left} rows over"
            )


def check_global_batch(model, rows):
    """Refuses a batch with fewer rows than the objective compares, or that it cannot cut into parts."""
    if rows < model.minimum_batch:
        raise ValueError(
            f"`batch_size` must be at least {model.minimum_batch} for {type(model).__name__}, which compares the rows "
            f"of a batch. Received: batch_size={rows}"
        )
    if rows % model.batch_multiple:
        raise ValueError(
            f"`batch_size` must be a multiple of {model.batch_multiple} for {type(model).__name__}, which cuts a batch "
            f"into parts of as many rows. Received: batch_size={rows}"
        )


def check_queue(queue_size, rows, batch_size):
    """Refuses a queue that a batch does not fit into, or that would hold the features of a picture twice."""
    if queue_size < batch_size:
        raise ValueError(
            f"`queue_size` must be at least the rows of a global batch, {batch_size}. Received: queue_size={queue_size}"
        )
    if rows is not None and queue_size > rows:
        raise ValueError(
            f"`queue_size` must be at most the rows of the data, {rows}: a longer queue would hold older features of "
            f"the same rows. Received: queue_size={queue_size}"
        )


def check_positive(**values):
    """Refuses numbers that are not above 0: `check_positive(temperature=temperature)`."""
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}")


def check_not_negative(**values):
    """Refuses numbers below 0: `check_not_negative(weight=weight)`."""
    for name, value in values.items():
        if not value >= 0:
            raise ValueError(f"`{name}` must not be negative. Received: {name}={value}")


def check_below_one(**values):
    """Refuses numbers that are not in [0, 1): `check_below_one(center_momentum=center_momentum)`."""
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"`{name}` must be in [0, 1). Received: {name}={value}")


def check_replicas_can(strategy, workers, steps_per_execution, jit_compile):
    """Refuses what TensorFlow cannot do on several replicas of a CPU."""
    if strategy.num_replicas_in_sync == 1 or not all("CPU" in device for device in strategy.extended.worker_devices):
        return
    asked = {
        "gradient_accumulation_steps": updates.accumulation(workers) > 1,
        "steps_per_execution": steps_per_execution > 1,
        "jit_compile": bool(jit_compile),
    }
    for name, wanted in asked.items():
        if wanted:
            raise ValueError(
                f"`{name}` cannot be used with several replicas on a CPU: TensorFlow fails there. "
                f"Received: {name} with {strategy.num_replicas_in_sync} replicas"
            )
