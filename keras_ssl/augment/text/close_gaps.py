"""Texts out of which something was taken."""

import tensorflow as tf

from keras_ssl.augment.text.corrupt import places_of


def close_gaps(token_ids, kept, length, pad_id):
    """Moves what is kept of each row to its beginning, in its order, and pads behind it.

    Args:
        token_ids: int32 Tensor of shape `(rows, places)`.
        kept: bool Tensor of the same shape.
        length: int or int32 scalar, at most `places`; what does not fit is cut.
        pad_id: int.

    Returns:
        int32 Tensor of shape `(rows, length)`.

    Example:

    >>> import tensorflow as tf
    >>> from keras_ssl.augment.text import close_gaps
    >>> close_gaps(tf.constant([[5, 6, 7, 8]]), tf.constant([[False, True, False, True]]), 3, pad_id=0).numpy()
    array([[6, 8, 0]], dtype=int32)
    """
    places, found = places_of(kept, length)
    return tf.where(found > 0, tf.gather(token_ids, places, batch_dims=1), pad_id)
