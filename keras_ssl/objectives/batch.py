"""What `fit` hands to a step, made into one kind of batch, and checked against the encoder."""

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


def check_batch(batch, encoder):
    """Refuses tensors that the encoder cannot take, and tuples of views that are not tuples."""
    if "views" in batch and not isinstance(batch["views"], (tuple, list)):
        raise ValueError(f"`views` must be a tuple of batches. Received: views of type {type(batch['views']).__name__}")
    for x in batch.get("views", ()) or (batch["x"],):
        check_input(x, encoder)


def check_input(x, encoder):
    """Refuses one input with the wrong rank or with strings where the encoder wants numbers."""
    expected = encoder.input_shape
    if isinstance(x, dict) or not isinstance(expected, tuple) or not hasattr(x, "shape"):
        return  # several inputs: Keras itself names what is missing
    if getattr(x.shape, "rank", len(x.shape)) != len(expected):
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


def encoder_inputs(x, encoder):
    """Cuts a dict to the encoder's own keys: Keras flattens dicts by position, so an extra key shifts the others."""
    if not isinstance(x, dict):
        return x
    structure = None if isinstance(encoder, keras.Sequential) else encoder.input
    names = list(structure) if isinstance(structure, dict) else [tensor.name for tensor in encoder.inputs]
    missing = [name for name in names if name not in x]
    if missing:
        raise ValueError(f"`x` lacks inputs of the encoder: {missing}. Received: keys {sorted(x)}")
    return {name: x[name] for name in names}
