"""One number after the other: everything `keras-ssl evaluate` prints of an encoder of texts."""

from keras_ssl.evaluation.text_classification import text_classification
from keras_ssl.evaluation.text_retrieval import text_retrieval


def evaluate_text(
    encoder,
    tokenizer,
    train=None,
    test=None,
    *,
    pairs=None,
    beside=None,
    splits=5,
    train_size=None,
    test_size=0.2,
    seed=0,
    max_length=128,
    batch_size=256,
    progress=None,
):
    """Judges an encoder of texts by classes and by pairs, and beside it what must be beaten.

    Args:
        encoder: see `encode_texts`.
        tokenizer: see `encode_texts`.
        train: labelled texts, see `text_classification`; None to leave that out.
        test: see `text_classification`.
        pairs: texts that belong together, see `text_retrieval`; None to leave that out.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        splits: see `text_classification`.
        train_size: see `text_classification`.
        test_size: see `text_classification`.
        seed: int, of the splits and the random encoder.
        max_length: see `encode_texts`.
        batch_size: see `encode_texts`.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Dict with what `text_classification` and `text_retrieval` return, side by side, and `"baselines"`, a dict of the
        same by name.

    Raises:
        ValueError: If neither `train` nor `pairs` is given, or as the two functions.

    Example:

    >>> import keras_hub
    >>> from keras_ssl import backbones, evaluation
    >>> words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "blue", "sky"]
    >>> encoder = backbones.pool(keras_hub.models.BertBackbone(7, 1, 2, 8, 16, max_sequence_length=8), "avg")
    >>> tokenizer = keras_hub.models.BertTokenizer(words)
    >>> scores = evaluation.evaluate_text(encoder, tokenizer, pairs=(["blue", "sky"], ["blue", "sky"]))
    >>> scores["recall@1"], sorted(scores["baselines"])
    (1.0, ['random', 'tfidf'])
    """
    if train is None and pairs is None:
        raise ValueError("`train` must be given, labelled texts, or `pairs`. Received: train=None, pairs=None")
    common = {
        "beside": beside,
        "seed": seed,
        "max_length": max_length,
        "batch_size": batch_size,
        "progress": progress,
    }
    parts = []
    if train is not None:
        sizes = {"splits": splits, "train_size": train_size, "test_size": test_size}
        parts.append(text_classification(encoder, tokenizer, train, test, **sizes, **common))
    if pairs is not None:
        parts.append(text_retrieval(encoder, tokenizer, pairs, **common))
    baselines = {}
    for part in parts:
        for name, scores in part.pop("baselines").items():
            baselines.setdefault(name, {}).update(scores)
    return {name: score for part in parts for name, score in part.items()} | {"baselines": baselines}
