"""From lists of ids to one dense batch."""

import tensorflow as tf


def pack(token_ids, table, length=None):
    """Puts start and end tokens around each row, cuts it to fit, and pads it.

    Args:
        token_ids: int32 RaggedTensor of shape `(rows, None)`, without start and end.
        table: `TokenTable`.
        length: int, what every row is brought to, or None for the longest row.

    Returns:
        int32 Tensor of shape `(rows, length)`.

    Raises:
        ValueError: If there is no room for an id between start and end.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, pack
    >>> table = TokenTable(size=9, special_ids=(0, 1, 2), start_id=1, end_id=2)
    >>> pack(tf.ragged.constant([[5, 6, 7, 8], [5]], dtype="int32"), table, length=5).numpy().tolist()
    [[1, 5, 6, 7, 2], [1, 5, 2, 0, 0]]
    """
    ends = [tf.fill([token_ids.nrows(), 1], one) for one in (table.start_id, table.end_id) if one is not None]
    if length is not None:
        if length <= len(ends):
            raise ValueError(f"`length` must be more than the {len(ends)} ids around a text. Received: length={length}")
        token_ids = token_ids[:, : length - len(ends)]
    parts = [tf.cast(token_ids, "int32")]
    if table.start_id is not None:
        parts.insert(0, ends[0])
    if table.end_id is not None:
        parts.append(ends[-1])
    return tf.concat(parts, axis=1).to_tensor(table.pad_id, shape=(None, length))
