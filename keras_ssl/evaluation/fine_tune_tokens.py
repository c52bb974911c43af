"""How well a text encoder learns the tags of words, all of its weights moving: parts of speech, named entities."""

import numpy as np
import tensorflow as tf

from keras_ssl.augment.text import TokenTable
from keras_ssl.backbones import backbone_of
from keras_ssl.evaluation.feature_function import FeatureFunction
from keras_ssl.evaluation.fine_tuning import FineTuning, copy_of, fresh_inputs
from keras_ssl.evaluation.seeding import seeded
from keras_ssl.evaluation.text_baselines import tags_of_words
from keras_ssl.evaluation.text_features import inputs_of, longest_input, padded
from keras_ssl.evaluation.text_judges import encoders_beside, with_baselines
from keras_ssl.evaluation.text_splits import draw_splits, means_of, sizes_of
from keras_ssl.evaluation.token_report import are_entities, seqeval_metrics, token_report
from keras_ssl.evaluation.word_pieces import WordPieces


def fine_tune_tokens(
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
    batch_size=64,
    progress=None,
):
    """Tags of words by classifiers that are fine-tuned from copies of an encoder's backbone.

    A linear layer on each token, after dropout; the first piece of a word carries its tag, the others none. Beside the
    encoder stand the same architecture trained from scratch, and the most frequent tag of each word, with the same
    sentences.

    Args:
        encoder: encoder made by `keras_ssl.backbones.pool` from a text backbone. It stays as it is.
        tokenizer: see `encode_texts`.
        train: pair of a list of sentences, lists of words, and a list of their tags, lists of str.
        test: such a pair, or None: then every split draws its test sentences from `train`.
        settings: `FineTuning`, or None for its defaults.
        beside: dict from a name to a pair of another encoder and its tokenizer, or None.
        splits: int, how often sentences are drawn and the new layer is made, see `text_classification`.
        train_size: int, train sentences of a split, or None for all that are left.
        test_size: int, test sentences of a split, or float in (0, 1). Of no effect where `test` is given.
        seed: int, of the splits, the new layer, dropout and the order of the sentences.
        max_length: int, the most pieces of a row; longer sentences are cut between words, and no word is lost.
        batch_size: int, sentences at a time in the test; `settings` has that of training.
        progress: None, or a function that is told in a few words what comes next.

    Returns:
        Dict of `"accuracy"`, `"macro_f1"`, `"weighted_f1"`, and where all tags are BIO `"entity_f1"` (micro average),
        in [0, 1], means over the splits, and their standard deviations as `"accuracy_std"` and so on; `"splits"`,
        `"train_rows"` and `"test_rows"`; `"report"`, that of `token_report` for the first split; and `"baselines"` with
        the same for `"words"`, `"random"` and the names of `beside`.

    Raises:
        ValueError: If words and tags do not fit, or the weights diverge.
        ImportError: If tags are BIO and seqeval is not installed.
    """
    settings = settings or FineTuning()
    tell = progress or (lambda text: None)
    sentences = _sentences("train", train)
    more = [] if test is None else _sentences("test", test)
    sizes = len(sentences), None if test is None else len(more)
    drawn = draw_splits(*sizes, splits, train_size, test_size, seed)
    names = np.unique([tag for _, tags in sentences for tag in tags])  # of which a split may lack some
    sentences += more
    # Of all sentences: those of one split may have no entity.
    entities = are_entities({tag for _, tags in sentences for tag in tags})
    if entities:
        seqeval_metrics()  # said before the training, if it is absent
    encoders = encoders_beside(encoder, tokenizer, beside, seed)
    found = {name: [] for name in (*encoders, "words")}
    for number, rows in enumerate(drawn):
        known, asked = ([sentences[row] for row in part] for part in rows)
        true = [tags for _, tags in asked]
        for name, pair in encoders.items():
            tell(f"{name}: fine-tuning {number + 1} of {len(drawn)}")
            predicted = _predicted(*pair, known, asked, names, settings, max_length, batch_size, seed + number)
            found[name].append(token_report(true, predicted, entities))
        found["words"].append(token_report(true, tags_of_words(known, asked), entities))
    scores = {name: means_of([_summary(one) for one in reports]) for name, reports in found.items()}
    for name, reports in found.items():
        scores[name]["report"] = reports[0]
    scores["encoder"] |= sizes_of(drawn)
    return with_baselines(scores)


def _predicted(encoder, tokenizer, known, asked, names, settings, max_length, batch_size, seed):
    table = TokenTable.of(tokenizer)
    max_length = longest_input(encoder, max_length)
    codes = np.searchsorted(names, [tag for _, tags in known for tag in tags])
    pieces = WordPieces(tokenizer, table, [words for words, _ in known], max_length)
    with seeded(seed):
        model = _tagger(copy_of(encoder), settings, len(names))
    settings.fit(model, pieces.token_ids, pieces.labels(codes), table, seed)
    pieces = WordPieces(tokenizer, table, [words for words, _ in asked], max_length)
    found = np.zeros(sum(pieces.lengths), int)
    function = FeatureFunction(model)
    order = np.argsort(pieces.token_ids.row_lengths().numpy(), kind="stable")
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        token_ids = padded(tf.gather(pieces.token_ids, rows), model, table)
        words = tf.gather(pieces.words, rows).to_tensor(-1, shape=token_ids.shape).numpy()
        best = tf.argmax(function(inputs_of(model, token_ids, table)), axis=2).numpy()
        found[words[words >= 0]] = best[words >= 0]
    return pieces.sentences_of(names[found].tolist())


def _tagger(encoder, settings, tags):
    body = backbone_of(encoder)
    inputs = fresh_inputs(body)
    outputs = body(inputs)
    tokens = outputs["sequence_output"] if isinstance(outputs, dict) else outputs
    return settings.head(inputs, tokens, tags)


def _summary(report):
    averages = report["averages"]
    summary = {
        "accuracy": report["accuracy"],
        "macro_f1": averages["macro"]["f1"],
        "weighted_f1": averages["weighted"]["f1"],
    }
    return summary | ({"entity_f1": report["entities"]["averages"]["micro"]["f1"]} if "entities" in report else {})


def _sentences(name, data):
    """Pairs of words and tags, or a ValueError."""
    if not isinstance(data, tuple | list) or len(data) != 2 or len(data[0]) != len(data[1]):
        raise ValueError(
            f"`{name}` must be a pair of lists of the same length, of words and of tags. "
            f"Received: {name} of type {type(data).__name__}"
        )
    pairs = [(list(words), list(tags)) for words, tags in zip(*data, strict=True)]
    for row, (words, tags) in enumerate(pairs):
        if len(words) != len(tags) or not words or not all(isinstance(one, str) for one in words + tags):
            raise ValueError(
                f"`{name}` must have one tag, a str, for each word, and no sentence without words. "
                f"Received: words={words!r}, tags={tags!r} in sentence {row}"
            )
    return pairs
