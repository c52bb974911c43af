"""Pictures of any number of channels as something that can be shown."""

import numpy as np


def as_rgb(images):
    """Pictures as red, green and blue: grey is repeated, and of other numbers of channels the first is shown as grey.

    Args:
        images: uint8 array of shape (rows, height, width, channels).

    Returns:
        uint8 array of shape (rows, height, width, 3).

    Example:

    >>> import numpy as np
    >>> from keras_ssl.runs import as_rgb
    >>> as_rgb(np.zeros((4, 28, 28, 1), "uint8")).shape
    (4, 28, 28, 3)
    """
    images = np.asarray(images)
    return images if images.shape[-1] == 3 else np.repeat(images[..., :1], 3, axis=-1)
