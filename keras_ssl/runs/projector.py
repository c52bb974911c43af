"""Embeddings for TensorBoard's embedding projector."""

import numpy as np

from keras_ssl.files import written_aside
from keras_ssl.runs.pictures import as_rgb

SPRITE_PIXELS = 8192  # TensorBoard draws no larger picture


def write_projector(directory, embeddings, images, names=None):
    """Writes `tensors.tsv`, `metadata.tsv`, `sprite.png` of pictures, and the `projector_config.pbtxt` that names them.

    All paths in it are relative, so that the folder can be moved.

    Args:
        directory: Path of the log directory, made if needed.
        embeddings: float array of shape (rows, features).
        images: uint8 array of shape (rows, height, width, channels), or None for what is no pictures.
        names: one str a row, what the point is labelled with; None for the row's number.
    """
    from google.protobuf import text_format
    from tensorboard.plugins import projector

    names = [str(i) for i in range(len(embeddings))] if names is None else names
    directory.mkdir(parents=True, exist_ok=True)
    with written_aside(directory / "tensors.tsv") as aside:
        np.savetxt(aside, embeddings, fmt="%.5g", delimiter="\t")
    with written_aside(directory / "metadata.tsv") as aside:
        # One column has no header in TensorBoard.
        aside.write_text("".join(f"{name}\n" for name in names))

    config = projector.ProjectorConfig()
    entry = config.embeddings.add(tensor_name="test embeddings", tensor_path="tensors.tsv")
    entry.metadata_path = "metadata.tsv"
    if images is not None:
        thumbnails = _thumbnails(as_rgb(images))
        _write_sprite(directory / "sprite.png", thumbnails)
        entry.sprite.image_path = "sprite.png"
        entry.sprite.single_image_dim.extend([thumbnails.shape[2], thumbnails.shape[1]])
    with written_aside(directory / "projector_config.pbtxt") as aside:
        aside.write_text(text_format.MessageToString(config))


def _write_sprite(path, thumbnails):
    from PIL import Image

    with written_aside(path) as aside:
        Image.fromarray(_grid(thumbnails)).save(aside)


def _side(rows):
    # TensorBoard takes the pictures from a square grid.
    return int(np.ceil(np.sqrt(rows)))


def _thumbnails(images):
    step = int(np.ceil(_side(len(images)) * max(images.shape[1:3]) / SPRITE_PIXELS))
    return images[:, ::step, ::step]


def _grid(images):
    rows, height, width, _ = images.shape
    side = _side(rows)
    grid = np.zeros((side * side, height, width, 3), "uint8")
    grid[:rows] = images
    grid = grid.reshape(side, side, height, width, 3).swapaxes(1, 2)
    return grid.reshape(side * height, side * width, 3)
