"""The judgement of a run."""

from keras_ssl import evaluation
from keras_ssl.runs.evaluate_texts import evaluate_texts
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import check_fits, load_splits


def evaluate(folder, data=None, *, progress=None):
    """Judges a run's encoder, with its baselines beside it, and writes `metrics.json`.

    Args:
        folder: `RunFolder` of a finished run.
        data: str, name or path of labelled data other than the run's own; what it gives is not written down.
        progress: None, or a function that is told in a few words what is being done.

    Returns:
        Dict as of `keras_ssl.evaluation.evaluate_encoder`, or of `evaluate_text` for a run on texts.

    Raises:
        ValueError: If the data have no labels or no test pictures, or the run no encoder.
    """
    options = RunOptions.of(folder, data)
    if folder.learns_from_texts():
        scores = evaluate_texts(folder, data, options.seed, progress)
    else:
        scores = _evaluate_pictures(folder, options, progress)
    if data is None:
        folder.write_metrics(scores)
    return scores


def _evaluate_pictures(folder, options, progress):
    train, test = load_splits(options)
    if test is None:
        raise ValueError(f"`data` must have test pictures to judge on. Received: data={options.data!r}")
    if train.labels is None or test.labels is None:
        raise ValueError(
            "`data` must have labels: neighbours and probes need classes, for instance one subfolder a class, or `y` "
            f"beside `x` in a file. Received: data={options.data!r} without labels"
        )
    encoder = folder.load_encoder()
    check_fits(encoder, train)
    return evaluation.evaluate_encoder(encoder, train, test, seed=options.seed, progress=progress)
