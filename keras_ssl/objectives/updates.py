"""The update of the weights: by one optimizer or one for each group, skipped everywhere if a gradient is not finite."""

from dataclasses import dataclass, field

import keras
import tensorflow as tf
from keras import ops

from keras_ssl import distribution
from keras_ssl.schedules import PerUpdate, bind_schedule


@dataclass
class Updates:
    """What a compiled objective knows of its optimizer. No Keras container, so that nothing in it is tracked twice.

    Attributes:
        arguments: what `compile` was called with, to be saved.
        workers: the optimizers that do the work, inside those that wrap them.
        slots: dict from `id(weight)` to the workers' variables for it.
    """

    arguments: dict = field(default_factory=dict)
    workers: list = field(default_factory=list)
    slots: dict = field(default_factory=dict)


def combine(optimizers, groups):
    """One optimizer that steps each group of variables by its own.

    Args:
        optimizers: dict from group to `keras.optimizers.Optimizer`.
        groups: dict from the same groups to lists of variables, each variable in one of them.
    """
    if set(optimizers) != set(groups):
        raise ValueError(
            f"`optimizer` must have one entry for each of the groups {sorted(groups)}. "
            f"Received: optimizer with keys {sorted(optimizers)}"
        )
    # By identity: paths collide, and identities do not survive a save, so this is made anew after each load.
    route = {id(variable): optimizers[name] for name, variables in groups.items() for variable in variables}
    return keras.optimizers.MultiOptimizer(lambda variable: route[id(variable)])


def leaves(optimizer):
    """The optimizers that do the work, inside those that wrap them."""
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return leaves(optimizer.inner_optimizer)
    if isinstance(optimizer, keras.optimizers.MultiOptimizer):
        return [leaf for inner in optimizer.optimizers for leaf in leaves(inner)]
    return [optimizer]


def accumulation(workers):
    """Micro-batches to an update: int."""
    return max(worker.gradient_accumulation_steps or 1 for worker in workers)


def build_with_slots(optimizer, workers, variables):
    """Builds an optimizer, and tells which of its variables belong to which weight.

    Args:
        optimizer: the optimizer that the model steps.
        workers: the optimizers inside it that do the work.
        variables: list of the weights.

    Returns:
        dict from `id(weight)` to the list of the optimizer's variables for it (momenta, accumulators, ...).
    """
    slots = {id(variable): [] for variable in variables}

    def recording(add):
        def add_and_record(reference_variable, *args, **kwargs):
            slot = add(reference_variable, *args, **kwargs)
            slots[id(reference_variable)].append(slot)
            return slot

        return add_and_record

    for worker in workers:
        worker.add_variable_from_reference = recording(worker.add_variable_from_reference)
    try:
        optimizer.build(variables)
    finally:
        for worker in workers:
            del worker.add_variable_from_reference
    return slots


def bind_schedules(workers, clock):
    """Lets learning-rate schedules read the clock, and count updates rather than micro-batches."""
    for worker in workers:
        config = worker.get_config()["learning_rate"]
        if not isinstance(config, dict):
            continue
        steps = worker.gradient_accumulation_steps
        ours = str(config.get("registered_name")).startswith("keras_ssl>")
        if steps or ours:
            schedule = keras.saving.deserialize_keras_object(config)
            if steps and not isinstance(schedule, PerUpdate):
                schedule = PerUpdate(schedule, steps)
            # By the property's setter: plain assignment reads the old value first, which an unbound schedule has not.
            type(worker).learning_rate.fset(worker, bind_schedule(schedule, clock))


def all_finite(loss, gradients):
    """Whether the loss and every gradient are finite on every replica: bool scalar, the same on each."""
    # Sums, since they need no array of flags: a sum is not finite if any of its values is not.
    sums = [ops.cast(loss, "float32")]
    for gradient in gradients:
        if gradient is not None:
            values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
            sums.append(tf.reduce_sum(tf.cast(values, "float32")))
    here = tf.reduce_all(tf.math.is_finite(tf.stack(sums)))
    return distribution.global_sum(tf.cast(here, "float32")) >= distribution.replica_count()


def apply_where(finite, optimizer, gradients, variables):
    """Applies gradients if `finite`, on all replicas or on none.

    A loss-scaling optimizer skips and rescales by itself, but looks at the first replica alone: it is made to see
    there what happened on any.
    """
    if distribution.replica_count() > 1 and _clips(leaves(optimizer)):
        gradients = _whole_on_the_first(gradients)
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(_poison_unless(finite, gradients), variables)
        return

    def apply(gradients):
        optimizer.apply(list(gradients), variables)

    def apply_on_all_replicas(strategy, finite, gradients):
        # An optimizer gathers gradients by a merge call, which is not allowed inside a condition of one replica.
        same_everywhere = strategy.experimental_local_results(finite)[0]
        tf.cond(same_everywhere, lambda: strategy.run(apply, args=(gradients,)), lambda: None)

    # The replicas of a TPU are one program, in which they decide alike, and which has no merge calls.
    if distribution.replica_count() > 1 and not isinstance(tf.distribute.get_strategy(), tf.distribute.TPUStrategy):
        tf.distribute.get_replica_context().merge_call(apply_on_all_replicas, args=(finite, gradients))
    else:
        tf.cond(finite, lambda: apply(gradients), lambda: None)


def _clips(workers):
    return any(worker.clipnorm or worker.global_clipnorm or worker.clipvalue for worker in workers)


def _whole_on_the_first(gradients):
    """The sums over replicas on the first one, zeros on the others, since Keras clips before it adds replicas up."""
    is_first = tf.equal(distribution.replica_index(), 0)

    def whole(gradient):
        total = distribution.global_sum(tf.convert_to_tensor(gradient))
        return tf.where(is_first, total, tf.zeros_like(total))

    return [None if gradient is None else whole(gradient) for gradient in gradients]


def _poison_unless(finite, gradients):
    bad = tf.where(finite, 0.0, float("nan"))
    index = next(i for i, gradient in enumerate(gradients) if isinstance(gradient, tf.Tensor))
    spoiled = gradients[index] + tf.cast(bad, gradients[index].dtype)
    return [*gradients[:index], spoiled, *gradients[index + 1 :]]
