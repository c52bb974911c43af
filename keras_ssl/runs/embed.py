"""The embeddings of any data by a run's encoder."""

from pathlib import Path

import numpy as np

from keras_ssl import data as sources
from keras_ssl import evaluation
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import check_fits

# A file of texts may be larger than memory, its embeddings not.
ROWS_AT_A_TIME = 16_384


def embed(folder, data, split=None, *, progress=None):
    """Embeds pictures, or texts by a run on texts.

    Args:
        folder: `RunFolder`.
        data: str, name or path for `keras_ssl.data.load` or `load_text`.
        split: str, or None for all of a folder or file and the train split of a named set.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Pair of the embeddings, float32 array of shape `(rows, features)`, and the labels, int64 array of shape
        `(rows,)` or None. Rows are those of the source: of a text file its lines without the blank ones.

    Raises:
        ValueError: If there are no such data, or the encoder takes others.
    """
    of_texts = folder.learns_from_texts()
    named = sources.text_names() if of_texts else sources.names()
    split = split or ("all" if Path(data).expanduser().exists() and data not in named else "train")
    source, features_of = (_of_texts if of_texts else _of_pictures)(folder, data, split)
    tell = progress or (lambda text: None)
    parts = []
    for start in range(0, len(source), ROWS_AT_A_TIME):
        rows = np.arange(start, min(start + ROWS_AT_A_TIME, len(source)))
        tell(f"embeddings: {start:,} of {len(source):,} {source.rows_word}")
        parts.append(features_of(source.subset(rows)))
    return np.concatenate(parts), source.labels


def _of_pictures(folder, data, split):
    """The source, and the function from a part of it to features."""
    source = sources.load(data, split, image_size=RunOptions.of(folder, data).image_size)
    encoder = folder.load_encoder()
    check_fits(encoder, source)
    function = evaluation.FeatureFunction(encoder)
    return source, lambda part: evaluation.extract_features(function, part)[0]


def _of_texts(folder, data, split):
    """The source, and the function from a part of it to features."""
    source = sources.load_text(data, split)
    if isinstance(source, sources.PairSource):
        raise ValueError(f"`data` must be texts, not pairs of them. Received: data={data!r}")
    function, tokenizer = evaluation.FeatureFunction(folder.load_encoder()), folder.load_tokenizer()
    longest = folder.max_length()
    return source, lambda part: evaluation.encode_texts(function, tokenizer, part.texts(np.arange(len(part))), longest)
