"""Runs: pretraining by a recipe, what it leaves in its folder, and how that is judged and shown."""

from keras_ssl.runs.early_stopping import early_stopping
from keras_ssl.runs.embed import embed
from keras_ssl.runs.evaluate import evaluate
from keras_ssl.runs.evaluate_texts import texts_to_judge_by
from keras_ssl.runs.export import export
from keras_ssl.runs.pictures import as_rgb
from keras_ssl.runs.pretrain import pretrain
from keras_ssl.runs.quantization_loss import quantization_loss
from keras_ssl.runs.report import report
from keras_ssl.runs.report_figure import report_figure
from keras_ssl.runs.run_folder import RunFolder
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import check_fits, load_examples, load_splits, spread
from keras_ssl.runs.training_progress import TrainingProgress, as_time

__all__ = [
    "RunFolder",
    "RunOptions",
    "TrainingProgress",
    "as_rgb",
    "as_time",
    "check_fits",
    "early_stopping",
    "embed",
    "evaluate",
    "export",
    "load_examples",
    "load_splits",
    "pretrain",
    "quantization_loss",
    "report",
    "report_figure",
    "spread",
    "texts_to_judge_by",
]
