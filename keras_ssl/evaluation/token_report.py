"""Precision, recall and F1 of each tag, and of entities."""

import re

_ENTITY_TAG = re.compile(r"O|[BIESLU]-.+")
AVERAGES = ("micro", "macro", "weighted")
COLUMNS = ("precision", "recall", "f1", "support")


def token_report(true, predicted, entities=None):
    """Precision, recall, F1 and support of each tag of tokens, with averages, and of entities if tags are BIO.

    The tokens' part is scikit-learn's `precision_recall_fscore_support`, with 0 where nothing was predicted or there is
    nothing to find. Where every tag is `O` or begins with the letter of a BIO, IOB, BIOES or BILOU scheme and a
    hyphen, the entities' part counts whole entities, as CoNLL-2003's script does, by seqeval.

    Args:
        true: list of sentences, each a list of tags, str.
        predicted: the same for what was predicted.
        entities: bool, whether there is the part of entities; None: where tags are BIO, and not all of them `O`.

    Returns:
        Dict of `"accuracy"`, float in [0, 1]; `"tags"`, a dict from each tag to its `"precision"`, `"recall"` and
        `"f1"`, in [0, 1], and `"support"`, int; `"averages"`, the same for `"micro"`, `"macro"` and `"weighted"`; and
        `"entities"`, if wanted, a dict of `"types"` and `"averages"` of such.

    Raises:
        ValueError: If sentences are empty or differ in length.
        ImportError: If there is to be the part of entities, and seqeval is not installed.

    Example:

    >>> from keras_ssl import evaluation
    >>> report = evaluation.token_report([["DET", "NOUN"], ["NOUN"]], [["DET", "NOUN"], ["DET"]])
    >>> report["tags"]["NOUN"]
    {'precision': 1.0, 'recall': 0.5, 'f1': 0.6666666666666666, 'support': 2}

    Reference: CoNLL-2003, arXiv cs/0306050.
    """
    from sklearn.metrics import precision_recall_fscore_support

    if [len(tags) for tags in true] != [len(tags) for tags in predicted] or not any(len(tags) for tags in true):
        raise ValueError(
            "`true` and `predicted` must be sentences of the same numbers of tags, one tag at least. "
            f"Received: {len(true)} and {len(predicted)} sentences with {sum(map(len, true))} and "
            f"{sum(map(len, predicted))} tags"
        )
    flat, found = ([tag for tags in sentences for tag in tags] for sentences in (true, predicted))
    names = sorted({*flat, *found})

    def scores(**options):
        return precision_recall_fscore_support(flat, found, labels=names, zero_division=0, **options)

    report = {
        "accuracy": sum(a == b for a, b in zip(flat, found, strict=True)) / len(flat),
        "tags": {name: _row(*row) for name, *row in zip(names, *scores(), strict=True)},
        "averages": {kind: _row(*scores(average=kind)[:3], len(flat)) for kind in AVERAGES},
    }
    if are_entities(names) if entities is None else entities:
        report["entities"] = _entities(true, predicted)
    return report


def format_token_report(report):
    """The report as a text table.

    Args:
        report: dict of `token_report`.

    Returns:
        str of several lines.

    Example:

    >>> from keras_ssl import evaluation
    >>> print(evaluation.format_token_report(evaluation.token_report([["A", "B", "B"]], [["A", "B", "A"]])))
                  precision  recall      f1  support
    A                 0.500   1.000   0.667        1
    B                 1.000   0.500   0.667        2
    <BLANKLINE>
    micro avg         0.667   0.667   0.667        3
    macro avg         0.750   0.750   0.667        3
    weighted avg      0.833   0.667   0.667        3
    """
    parts = [report["tags"], _averages(report)]
    if "entities" in report:
        parts += [{f"entity {name}": row for name, row in report["entities"]["types"].items()}]
        parts += [{f"entity {name}": row for name, row in _averages(report["entities"]).items()}]
    width = max(len(name) for part in parts for name in part)
    lines = [" " * width + "".join(f"{column:>{max(8, len(column) + 2)}}" for column in COLUMNS)]
    for part in parts:
        lines += [*([""] if len(lines) > 1 else []), *(_line(name, row, width) for name, row in part.items())]
    return "\n".join(lines)


def are_entities(tags):
    """Whether all tags are of a BIO, IOB, BIOES or BILOU scheme, and not all `O`."""
    return all(_ENTITY_TAG.fullmatch(tag) for tag in tags) and set(tags) != {"O"}


def seqeval_metrics():
    """The module `seqeval.metrics`, or an ImportError that names the package."""
    try:
        import seqeval.metrics
    except ImportError as error:
        raise ImportError("Entity F1 of BIO tags needs the package seqeval: `pip install seqeval`.") from error
    return seqeval.metrics


def _entities(true, predicted):
    if all(tag == "O" for tags in true + predicted for tag in tags):  # seqeval gives NaN and warns
        return {"types": {}, "averages": {kind: _row(0, 0, 0, 0) for kind in AVERAGES}}
    sides = ([[_bioes(tag) for tag in tags] for tags in sentences] for sentences in (true, predicted))
    report = seqeval_metrics().classification_report(*sides, output_dict=True, zero_division=0)
    rows = {
        name: _row(row["precision"], row["recall"], row["f1-score"], row["support"]) for name, row in report.items()
    }
    averages = {kind: rows.pop(f"{kind} avg") for kind in AVERAGES}
    return {"types": rows, "averages": averages}


def _bioes(tag):
    """A tag of BILOU as one of BIOES, which seqeval reads without being told."""
    return {"L": "E", "U": "S"}.get(tag[0], tag[0]) + tag[1:]


def _row(precision, recall, f1, support):
    return {"precision": float(precision), "recall": float(recall), "f1": float(f1), "support": int(support)}


def _averages(report):
    return {f"{kind} avg": row for kind, row in report["averages"].items()}


def _line(name, row, width):
    cells = (f"{row[column]:.3f}" if column != "support" else str(row[column]) for column in COLUMNS)
    return f"{name:<{width}}" + "".join(
        f"{cell:>{max(8, len(column) + 2)}}" for column, cell in zip(COLUMNS, cells, strict=True)
    )
