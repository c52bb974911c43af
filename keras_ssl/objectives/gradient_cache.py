"""GradCache: large batches for losses that compare rows, in the memory of small ones."""

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import distribution
from keras_ssl.objectives.batch import first_tensor


def cached(function, inputs, variables, size, width):
    """`function(inputs)`, computed in micro-batches whose activations are not kept for the gradient.

    Backward each micro-batch is computed again and its gradient added up, so that one micro-batch's activations are all
    there are at a time; a loss over all rows may follow. The gradient is that of the whole batch, for about a third
    more time. Dropout draws in both computations the same masks; they are not those of the whole batch, since each
    micro-batch has seeds of its own.

    NOTE: no gradient goes to `inputs`.

    Args:
        function: function from `inputs` of some rows to a float Tensor of shape `(rows, width)`. Rows must not depend
            on one another; apart from the seeds of dropout it may move no variable.
        inputs: structure of Tensors of shape `(rows, ...)`.
        variables: list of all `keras.Variable`s that `function` reads; those that are trainable get gradients, and the
            states of seed generators move on.
        size: int, rows of a micro-batch; it must divide the rows.
        width: int.

    Returns:
        float32 Tensor of shape `(rows, width)`.

    Raises:
        ValueError: If `size` does not divide the rows, or `function` moves a variable or adds a loss.

    Example:

    >>> import keras, numpy as np, tensorflow as tf
    >>> from keras_ssl.objectives.gradient_cache import cached
    >>> layer = keras.layers.Dense(2)
    >>> rows = np.ones((6, 3), "float32")
    >>> plain = layer(rows)
    >>> with tf.GradientTape() as tape:
    ...     loss = tf.reduce_sum(cached(layer, rows, layer.variables, size=2, width=2))
    >>> np.asarray(tape.gradient(loss, layer.trainable_variables)[1]).tolist()
    [6.0, 6.0]

    Reference: arXiv 2101.06983.
    """
    count = _count(inputs, size)
    parts = keras.tree.map_structure(lambda tensor: _split(tensor, count, size), inputs)
    learned = [variable for variable in variables if variable.trainable]
    seeds = [variable for variable in variables if distribution.is_seed_state(variable)]
    others = [one for one in variables if not one.trainable and not distribution.is_seed_state(one)]
    first_seeds, constants = ([tf.identity(one.value) for one in some] for some in (seeds, others))

    def seeds_of(number):
        """The states of a micro-batch are the first ones, moved by its number: nothing need be recorded."""
        return [state + tf.stack([tf.cast(number, state.dtype), 0]) for state in first_seeds]

    def vectors(values, number):
        """What `function` makes of a micro-batch, as a pure function of the learned values."""
        state = [*zip(learned, values, strict=True), *zip(others, constants, strict=True)]
        replayed = zip(seeds, seeds_of(number), strict=True)
        with keras.StatelessScope([*state, *replayed], collect_losses=True) as scope:
            before = [scope.get_current_value(variable) for variable, _ in state]
            made = function(keras.tree.map_structure(lambda part: part[number], parts))
            after = [scope.get_current_value(variable) for variable, _ in state]
        _check_pure(state, before, after, scope.losses)
        return ops.cast(made, "float32")

    @tf.custom_gradient
    def in_parts(*values):
        made = tf.map_fn(
            lambda number: vectors(values, number),
            tf.range(count),
            parallel_iterations=1,  # else micro-batches are in memory together
            fn_output_signature=tf.TensorSpec((size, width), "float32"),
        )

        def backward(upstream):
            upstream = tf.reshape(upstream, [count, size, width])

            def add(number, totals):
                with tf.GradientTape() as tape:
                    tape.watch(values)
                    again = vectors(values, number)
                gradients = tape.gradient(again, values, upstream[number], unconnected_gradients="zero")
                return number + 1, [total + one for total, one in zip(totals, gradients, strict=True)]

            def more(number, totals):
                return number < count

            zeros = [tf.zeros_like(value) for value in values]
            return tf.while_loop(more, add, (0, zeros), parallel_iterations=1)[1]

        return tf.reshape(made, [-1, width]), backward

    found = in_parts(*(tf.identity(variable.value) for variable in learned))
    for seed, state in zip(seeds, seeds_of(count), strict=True):
        seed.assign(state)
    return tf.ensure_shape(found, (first_tensor(inputs).shape[0], width))


def check_cache(size, encoder):
    """Refuses a size that is none, and an encoder whose rows depend on one another."""
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"`gradient_cache_size` must be a positive int. Received: gradient_cache_size={size!r}")
    statistics = [one.path for one in encoder.variables if distribution.is_moving_statistic(one)]
    if statistics:
        raise ValueError(
            "`gradient_cache_size` must be None for an encoder with batch normalisation: its statistics would be those "
            f"of a micro-batch. Received: gradient_cache_size={size}, and an encoder with {statistics[0]!r}"
        )


def check_cached_plan(size, plan, replicas):
    """Refuses batches that cannot be cut into micro-batches of this size on each replica."""
    sizes = [plan.global_batch_size] + ([plan.rows % plan.batch_size] if plan.batch_size is not None else [])
    for rows in sizes:
        if rows % (size * replicas):
            raise ValueError(
                f"`gradient_cache_size` must divide the rows of every batch on each of {replicas} replica(s), those of "
                f"a last, smaller batch too. Received: gradient_cache_size={size} for a batch of {rows} rows"
            )


def _count(inputs, size):
    """Number of micro-batches: an int where the rows are known before the step runs."""
    rows = first_tensor(inputs).shape[0]
    message = f"`size` must divide the rows. Received: size={size}"
    if rows is not None:
        if rows % size:
            raise ValueError(f"{message} for {rows} rows")
        return rows // size
    rows = tf.shape(first_tensor(inputs))[0]
    check = tf.debugging.assert_equal(rows % size, 0, message=message)
    with tf.control_dependencies([] if check is None else [check]):
        return tf.identity(rows // size)


def _split(tensor, count, size):
    parts = tf.reshape(tensor, tf.concat([[count, size], tf.shape(tensor)[1:]], axis=0))
    return tf.ensure_shape(parts, (None, size, *tensor.shape[1:]))


def _check_pure(state, before, after, losses):
    moved = [one.path for (one, _), old, new in zip(state, before, after, strict=True) if old is not new]
    if moved or losses:
        what = f"{moved[0]!r} moved" if moved else "a loss of a layer, such as that of an activity regulariser"
        raise ValueError(
            "`function` must move no variable and add no loss, for it is computed in micro-batches, and twice. "
            f"Received: {what}"
        )
