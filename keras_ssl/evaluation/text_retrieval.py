"""How well texts that belong together find each other."""

import numpy as np

from keras_ssl import metrics
from keras_ssl.evaluation.text_baselines import bag_of_words
from keras_ssl.evaluation.text_features import checked_texts
from keras_ssl.evaluation.text_judges import TextJudge, with_baselines


def text_retrieval(
    encoder,
    tokenizer,
    pairs,
    *,
    beside=None,
    at=(1, 5, 10),
    seed=0,
    max_length=128,
    batch_size=256,
    progress=None,
):
    """Recall and mean reciprocal rank of texts that belong together, by cosine: a gloss and its example, say.

    Every text of one side is a query among those of the other side, in both directions. A text that occurs in several
    pairs is one query and one candidate, for which all its partners are right. Ties count as not found, see
    `keras_ssl.metrics.retrieval`. Beside the encoder stand the same architecture untrained, TF-IDF of words and pairs
    of words, and other encoders by name.

    Args:
        encoder: see `encode_texts`.
        tokenizer: see `encode_texts`.
        pairs: pair of lists of str of the same length: text `i` of the first belongs to text `i` of the second.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        at: ints, the `k` of `recall@k`.
        seed: int, of the random encoder.
        max_length: see `encode_texts`.
        batch_size: see `encode_texts`.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Dict of floats in [0, 1]: `"recall@1"` and so on and `"mrr"`, means of both directions; `"forward"`, from the
        first to the second, and `"backward"`, dicts of the same; `"queries"`, the numbers of texts of both sides; and
        `"baselines"` with all but the last for `"tfidf"`, `"random"` and the names of `beside`.

    Raises:
        ValueError: If `pairs` are no such lists.
    """
    texts, targets = _distinct(pairs)
    judge = TextJudge(encoder, tokenizer, beside, seed, max_length, batch_size, progress)
    scores = {name: _both_ways([features_of(side) for side in texts], targets, at) for name, features_of in judge}
    judge.tell("tfidf: retrieval")
    vectorizer = bag_of_words([text for side in texts for text in side])
    scores["tfidf"] = _both_ways([vectorizer.transform(side) for side in texts], targets, at)
    scores["encoder"]["queries"] = [len(side) for side in texts]
    return with_baselines(scores)


def _both_ways(features, targets, at):
    first, second = features
    forward = metrics.retrieval(first, second, targets, at)
    backward = metrics.retrieval(second, first, targets[:, ::-1], at)
    means = {name: (forward[name] + backward[name]) / 2 for name in forward}
    return {**means, "forward": forward, "backward": backward}


def _distinct(pairs):
    """The distinct texts of both sides, and which belong together: int array of shape `(pairs, 2)`."""
    if not isinstance(pairs, tuple | list) or len(pairs) != 2 or len(pairs[0]) != len(pairs[1]):
        raise ValueError(
            "`pairs` must be a pair of lists of texts of the same length. "
            f"Received: pairs of type {type(pairs).__name__} and length {len(pairs)}"
        )
    sides = [np.unique(np.array(checked_texts("pairs", side), object), return_inverse=True) for side in pairs]
    return [texts.tolist() for texts, _ in sides], np.stack([rows for _, rows in sides], axis=1)
