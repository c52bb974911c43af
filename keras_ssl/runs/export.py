"""A run's encoder in the form in which it is taken away."""

import tempfile
from pathlib import Path

from keras_ssl import data, serving
from keras_ssl.runs.quantization_loss import quantization_loss
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import load_examples, load_splits, spread

FORMATS = ("savedmodel", "tflite", "onnx")
EXAMPLES = 8


def export(folder, output, *, format="savedmodel", int8=False, **options):
    """Exports the encoder of a run, checked against Keras on pictures or texts of the run.

    Of a run on texts there are two SavedModels, see `keras_ssl.serving.export_text_encoder`; `max_length` is
    that of the run's own rows unless it is given.

    Args:
        folder: `RunFolder`.
        output: Path: for a SavedModel the model folder, in which the next version is made; else the file.
        format: `"savedmodel"` for TF Serving, `"tflite"` or `"onnx"`.
        int8: bool, whether the weights of a TF Lite file are kept in 8 bits.
        **options: of `keras_ssl.serving.export_encoder` or `export_text_encoder`; None counts as not given.

    Returns:
        Dict: `path`, of a run on texts the folder of both models; of one file also what `export_lite` and `export_onnx`
        return; with `int8`, where there are test labels, `knn` too, as of `quantization_loss`.

    Raises:
        ValueError: If the format is unknown or cannot do what is asked, or the export gives other numbers than Keras.
    """
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}. Received: format={format!r}")
    if int8 and format != "tflite":
        raise ValueError(f"`int8` needs the format tflite. Received: format={format!r}")
    options = {name: value for name, value in options.items() if value is not None}
    if folder.learns_from_texts():
        return {"path": str(_export_texts(folder, output, format, options))}
    if "max_length" in options:
        raise ValueError(f"`max_length` is for runs on texts. Received: max_length={options['max_length']}")
    run_options, encoder = RunOptions.of(folder), folder.load_encoder()
    options |= {"examples": spread(load_examples(run_options), EXAMPLES)}
    if format == "savedmodel":
        return {"path": str(serving.export_encoder(encoder, output, **options))}
    options.pop("from_bytes", None)  # one file has one signature
    if format == "onnx":
        return serving.export_onnx(encoder, output, **options)
    result = serving.export_lite(encoder, output, int8=int8, **options)
    return result | ({"knn": _what_int8_costs(encoder, output, run_options, options)} if int8 else {})


def _export_texts(folder, output, format, options):
    if format != "savedmodel":
        raise ValueError(f"`format` must be savedmodel for a run on texts. Received: format={format!r}")
    for name in options.keys() & {"layer", "input_dtype", "from_bytes"}:
        raise ValueError(f"`{name}` is for runs on pictures. Received: {name}={options[name]!r}")
    texts = data.load_text(RunOptions.of(folder).data)
    examples = spread(texts.first if isinstance(texts, data.PairSource) else texts, EXAMPLES)
    encoder = folder.load_encoder()
    options = {"max_length": folder.max_length(), **options}
    serving.export_text_encoder(encoder, folder.load_tokenizer(), output, examples=examples, **options)
    return output


def _what_int8_costs(encoder, output, run_options, options):
    train, test = load_splits(run_options)
    if test is None or train.labels is None:
        return None
    with tempfile.TemporaryDirectory() as aside:
        exact = serving.export_lite(encoder, Path(aside) / "float.tflite", **options)
        return quantization_loss(exact["path"], output, train, test)
