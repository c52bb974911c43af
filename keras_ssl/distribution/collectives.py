"""What a step needs to know about replicas: how many, which one, and their tensors and sums together.

Outside a strategy there is one replica, and every function here does the obvious thing.
"""

import tensorflow as tf


def replica_count():
    """Number of replicas in the current strategy, over all workers: a Python int."""
    return tf.distribute.get_strategy().num_replicas_in_sync


def replica_index():
    """This replica's place among all replicas: scalar `int32` tensor, or the int 0 where there is but one."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return 0
    return tf.cast(context.replica_id_in_sync_group, "int32")


def gather(tensor):
    """Joins the rows of all replicas, with gradients to each replica's own rows.

    Args:
        tensor: Tensor of shape `(rows, ...)`, the same shape on every replica.

    Returns:
        Tensor of shape `(replicas * rows, ...)`, in the order of the global batch.
    """
    if not _many():
        return tensor
    joined = tf.distribute.get_replica_context().all_gather(tf.identity(tensor), axis=0)
    # Gathering takes no sparse gradient, as that of picking rows is: that of a reshape is dense.
    joined = tf.reshape(joined, tf.shape(joined))
    # And it forgets the shape.
    rows = tensor.shape[0] and tensor.shape[0] * replica_count()
    joined.set_shape((rows, *tensor.shape[1:]))
    return joined


def global_sum(tensor):
    """Sum over replicas of a tensor that has the same shape on each; gradients are summed likewise."""
    if not _many():
        return tensor
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(tensor))


def global_mean(tensor):
    """Mean over replicas of a tensor that has the same shape on each."""
    if not _many():
        return tensor
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, tf.identity(tensor))


def global_means(tensors):
    """Means over replicas of many small tensors, by one exchange: each exchange waits for the slowest worker.

    Args:
        tensors: list of float32 tensors, each with the same static shape on every replica.

    Returns:
        List of tensors of the same shapes.
    """
    if not _many() or not tensors:
        return list(tensors)
    sizes = [tensor.shape.num_elements() for tensor in tensors]
    means = global_mean(tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0))
    parts = tf.split(means, sizes)
    return [tf.reshape(part, tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


def same_everywhere(rows):
    """Passes a number of rows on, and fails unless it is the same on every replica.

    Rows are numbered, gathered and weighted as if each replica had as many.
    """
    if not _many():
        return rows
    message = "each replica must get as many rows: use .batch(n, drop_remainder=True)"
    check = tf.debugging.assert_equal(global_sum(rows), rows * replica_count(), message=message)
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(rows)


def first_row(tensor):
    """Index in the global batch of this replica's first row: what losses call `offset`."""
    return replica_index() * tf.shape(tensor)[0] if _many() else 0


def is_moving_statistic(variable):
    """True for the moving mean or variance of a normalisation layer: averaged over replicas, never by a teacher."""
    return variable.name in ("moving_mean", "moving_variance")


def is_seed_state(variable):
    """True for the state of a `keras.random.SeedGenerator`."""
    return variable.name == "seed_generator_state"


def _many():
    context = tf.distribute.get_replica_context()
    return context is not None and context.num_replicas_in_sync > 1
