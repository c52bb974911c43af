"""The counters of a model in training."""

import keras


class Clock(keras.layers.Layer):
    """The counters of a model in training, saved with it.

    Attributes:
        batches_seen: int64 variable. Batches trained on, skipped updates and micro-batches included. It drives all
            randomness and the position in the data.
        batches_at_compile: int64 variable. What `batches_seen` was when the optimizer began at step 0.
        total_steps: int64 variable. Optimizer steps at the end of the running `fit`; 0 before the first.
        steps_per_epoch: float32 variable. Optimizer steps in one epoch.
        global_batch_size: int64 variable. Rows in one batch over all replicas.
    """

    def __init__(self, name="clock", **kwargs):
        super().__init__(name=name, dtype="float32", **kwargs)

        def counter(name, dtype="int64"):
            return self.add_weight(
                shape=(), initializer="zeros", dtype=dtype, trainable=False, aggregation="only_first_replica", name=name
            )

        self.batches_seen = counter("batches_seen")
        self.batches_at_compile = counter("batches_at_compile")
        self.total_steps = counter("total_steps")
        self.steps_per_epoch = counter("steps_per_epoch", "float32")
        self.global_batch_size = counter("global_batch_size")
        self.built = True
