"""Which places of a batch hold tokens."""

import tensorflow as tf


def padding_mask(token_ids, table):
    """1 for tokens, 0 for padding.

    Where the end token pads, as GPT-2's does, only those are padding that stand behind another end token at the end of
    the row: the one that ends the text is a token, and so are those between the texts of a packed row.

    Args:
        token_ids: int Tensor of shape `(rows, length)`, padded at the end.
        table: `TokenTable`.

    Returns:
        int32 Tensor of shape `(rows, length)`.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import TokenTable, padding_mask
    >>> rows = tf.constant([[3, 4, 0, 5, 0], [3, 4, 0, 0, 0]])
    >>> padding_mask(rows, TokenTable(size=9, special_ids=(0,), pad_id=0, end_id=0)).numpy().tolist()
    [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    """
    token_ids = tf.convert_to_tensor(token_ids)
    mask = tf.cast(token_ids != table.pad_id, "int32")
    if table.pad_id != table.end_id:
        return mask
    here_or_behind = tf.cast(tf.cumsum(mask, axis=1, reverse=True) > 0, "int32")
    return tf.concat([tf.ones_like(here_or_behind[:, :1]), here_or_behind[:, :-1]], axis=1)
