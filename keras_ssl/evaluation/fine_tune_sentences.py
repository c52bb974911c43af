"""How well a text encoder learns classes of sentences from few labels, all of its weights moving."""

import numpy as np
import tensorflow as tf

from keras_ssl.augment.text import TokenTable
from keras_ssl.evaluation.fine_tuning import FineTuning, copy_of, fresh_inputs
from keras_ssl.evaluation.seeding import seeded
from keras_ssl.evaluation.text_baselines import majority, tfidf_probes
from keras_ssl.evaluation.text_features import encode_texts, longest_input, packed_ids, token_ids_of
from keras_ssl.evaluation.text_judges import encoders_beside, with_baselines
from keras_ssl.evaluation.text_splits import labelled_splits, means_of, over_splits, sizes_of


def fine_tune_sentences(
    encoder,
    tokenizer,
    train,
    test=None,
    *,
    settings=None,
    beside=None,
    splits=3,
    train_size=1000,
    test_size=0.2,
    seed=0,
    max_length=128,
    progress=None,
):
    """Test accuracy of classifiers that are fine-tuned from copies of an encoder, each split with labels of its own.

    The classifier is the encoder, dropout and a linear layer: keras-hub's `TextClassifier` reads a backbone's first
    token, which is not how every encoder was trained. Beside the encoder stand the same architecture trained from
    scratch, logistic regression on TF-IDF and the most frequent class, all with the same rows.

    Args:
        encoder: see `encode_texts`. It stays as it is.
        tokenizer: see `encode_texts`.
        train: pair of a list of str and whole numbers of shape `(texts,)`, the classes.
        test: such a pair, or None: then every split draws its test rows from `train`.
        settings: `FineTuning`, or None for its defaults.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        splits: int, how often rows are drawn and the new layers are made, see `text_classification`.
        train_size: int, labels of a split, or None for all that are left.
        test_size: see `text_classification`.
        seed: int, of the splits, the new layers, dropout and the order of the rows.
        max_length: see `encode_texts`.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Dict of `"accuracy"`, in [0, 1], the mean over the splits, and `"accuracy_std"`; `"splits"`, `"train_rows"` and
        `"test_rows"`; and `"baselines"` with the first two for `"majority"`, `"tfidf"`, `"random"` and the names of
        `beside`.

    Raises:
        ValueError: If texts and labels do not fit, there are not enough of them, or the weights diverge.
    """
    settings = settings or FineTuning()
    tell = progress or (lambda text: None)
    texts, labels, splits = labelled_splits(train, test, splits, train_size, test_size, seed)
    scores = {}
    for name, pair in encoders_beside(encoder, tokenizer, beside, seed).items():
        found = []
        for number, rows in enumerate(splits):
            tell(f"{name}: fine-tuning {number + 1} of {len(splits)}")
            found.append({"accuracy": _accuracy(*pair, texts, labels, *rows, settings, max_length, seed + number)})
        scores[name] = means_of(found)
    tell("tfidf: probes")
    scores["tfidf"] = over_splits(lambda *rows: {"accuracy": tfidf_probes(texts, labels, *rows)["linear"]}, splits)
    scores["majority"] = over_splits(lambda *rows: {"accuracy": majority(labels, *rows)["linear"]}, splits)
    scores["encoder"] |= sizes_of(splits)
    return with_baselines(scores)


def _accuracy(encoder, tokenizer, texts, labels, train, test, settings, max_length, seed):
    classes, codes = np.unique(labels[train], return_inverse=True)
    table = TokenTable.of(tokenizer)
    token_ids = token_ids_of(tokenizer, [texts[row] for row in train])
    token_ids = packed_ids(token_ids, table, longest_input(encoder, max_length))
    with seeded(seed):
        body = copy_of(encoder)
        inputs = fresh_inputs(body)
        model = settings.head(inputs, body(inputs), len(classes))
    settings.fit(model, token_ids, tf.constant(codes, "int32"), table, seed)
    logits = encode_texts(model, tokenizer, [texts[row] for row in test], max_length)
    return float(np.mean(classes[logits.argmax(axis=1)] == labels[test]))
