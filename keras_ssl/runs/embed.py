"""The embeddings of any data by a run's encoder."""

from pathlib import Path

import numpy as np

from keras_ssl import data as sources
from keras_ssl import evaluation
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import check_fits


def embed(folder, data, split=None):
    """Embeds pictures, or texts by a run on texts.

    Args:
        folder: `RunFolder`.
        data: str, name or path for `keras_ssl.data.load` or `load_text`.
        split: str, or None for all of a folder or file and the train split of a named set.

    Returns:
        Pair of the embeddings, float32 array of shape `(rows, features)`, and the labels, int64 array of shape
        `(rows,)` or None.

    Raises:
        ValueError: If there are no such data, or the encoder takes others.
    """
    named = sources.text_names() if folder.learns_from_texts() else sources.names()
    split = split or ("all" if Path(data).expanduser().exists() and data not in named else "train")
    if not folder.learns_from_texts():
        source = sources.load(data, split, image_size=RunOptions.of(folder, data).image_size)
        encoder = folder.load_encoder()
        check_fits(encoder, source)
        return evaluation.extract_features(encoder, source)
    source = sources.load_text(data, split)
    if isinstance(source, sources.PairSource):
        raise ValueError(f"`data` must be texts, not pairs of them. Received: data={data!r}")
    texts = source.texts(np.arange(len(source)))
    return evaluation.encode_texts(folder.load_encoder(), folder.load_tokenizer(), texts), source.labels
