"""What `fit` hands to a step, made into one kind of batch."""

import keras
import tensorflow as tf


def as_batch(data):
    """A dict with `x` or `views`, and `y` and `index` where there are some.

    A dict with the key `x` or `views` is a batch already; any other dict is `x` itself (token ids and masks).
    """
    x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
    batch = dict(x) if is_batch(x) else {"x": x}
    if y is not None:
        batch["y"] = y
    return batch


def is_batch(x):
    """Whether a structure is a batch, rather than the encoder's input itself."""
    return isinstance(x, dict) and ("x" in x or "views" in x)


def first_tensor(structure):
    """The first tensor or array of a structure that has a shape."""
    leaves = [leaf for leaf in tf.nest.flatten(structure) if hasattr(leaf, "shape")]
    if not leaves:
        raise ValueError(f"`x` must hold tensors or arrays. Received: x={structure!r}")
    return leaves[0]


def row_count(batch):
    """Rows of this replica: a Python int where it is known before the step runs, else a scalar tensor."""
    tensor = first_tensor(batch)
    rows = tensor.shape[0]
    return tf.shape(tensor)[0] if rows is None else int(rows)


def encoder_inputs(x, encoder):
    """Cuts a dict to the encoder's own keys: Keras flattens dicts by position, so an extra key shifts the others."""
    if not isinstance(x, dict):
        return x
    names = input_names(encoder)
    missing = [name for name in names if name not in x]
    if missing:
        raise ValueError(f"`x` lacks inputs of the encoder: {missing}. Received: keys {sorted(x)}")
    return {name: x[name] for name in names}


def input_names(encoder):
    """Names of the encoder's inputs: the keys of its dict, if it takes one."""
    structure = None if isinstance(encoder, keras.Sequential) else encoder.input
    return list(structure) if isinstance(structure, dict) else [tensor.name for tensor in encoder.inputs]
