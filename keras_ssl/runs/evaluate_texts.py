"""The judgement of a run on texts."""

import numpy as np

from keras_ssl import evaluation
from keras_ssl.runs.judged_texts import judged_texts
from keras_ssl.runs.splits import spread

# Enough for figures that are sure to a hundredth, and few enough for a minute.
TRAIN_TEXTS, TEST_TEXTS, PAIRS = 20_000, 5_000, 3_000


def evaluate_texts(folder, data, seed, progress):
    """Judges a run's encoder by labelled texts and pairs, with its baselines beside it.

    Args:
        folder: `RunFolder` of a run on texts.
        data: str, name or path of labelled texts or pairs; None for those that the run is judged by.
        seed: int.
        progress: None, or a function that is told in a few words what is being done.

    Returns:
        Dict as of `keras_ssl.evaluation.evaluate_text`.

    Raises:
        ValueError: If there is nothing to judge on.
    """
    names = folder.read_config()["judged_by"] if data is None else (data,)
    return evaluation.evaluate_text(
        folder.load_encoder(),
        folder.load_tokenizer(),
        **texts_to_judge_by(names),
        seed=seed,
        max_length=folder.max_length(),
        progress=progress,
    )


def texts_to_judge_by(names):
    """Labelled texts and pairs as `keras_ssl.evaluation.evaluate_text` takes them, of large sets an even part.

    Args:
        names: names or paths, see `judged_texts`.

    Returns:
        Dict of `"train"`, `"test"` and `"pairs"`, each None where there are none of the kind.

    Raises:
        ValueError: If there is nothing to judge on.
    """
    labelled, pairs = judged_texts(names)
    if labelled is None and pairs is None:
        raise ValueError(
            "`data` must have labels or be pairs, and have a test part, for instance a .csv file with the columns "
            f"`text` and `label`. Received: data={', '.join(names)}"
        )
    train = test = None
    if labelled is not None:
        train, test = (
            _as_lists(spread(one, most)) for one, most in zip(labelled, (TRAIN_TEXTS, TEST_TEXTS), strict=True)
        )
    if pairs is not None:
        pairs = tuple(zip(*spread(pairs, PAIRS).pairs(np.arange(min(len(pairs), PAIRS))), strict=True))
        pairs = tuple(list(side) for side in pairs)
    return {"train": train, "test": test, "pairs": pairs}


def _as_lists(source):
    return source.texts(np.arange(len(source))), source.labels
