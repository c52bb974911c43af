"""The picture and the projector of a run."""

import numpy as np

from keras_ssl import data, evaluation
from keras_ssl.files import written_aside
from keras_ssl.runs.judged_texts import judged_texts
from keras_ssl.runs.projector import write_projector
from keras_ssl.runs.report_figure import report_figure
from keras_ssl.runs.run_options import RunOptions
from keras_ssl.runs.splits import load_examples, spread

SHOWN = 1000


def report(folder):
    """Writes `report.png` and the embedding projector from what the run has left so far.

    Args:
        folder: `RunFolder`.

    Returns:
        Path of the picture.
    """
    options, config = RunOptions.of(folder), folder.read_config()
    shown = _shown_texts(folder, options) if folder.learns_from_texts() else _shown_pictures(folder, options)
    history, metrics = folder.read_history(), folder.read_metrics() or {}
    baselines = {name: scores["knn"] for name, scores in metrics.get("baselines", {}).items() if "knn" in scores}
    figure = report_figure(
        history,
        **shown,
        title=f"{config['objective']} on {config['data']['name']}",
        subtitle=_subtitle(len(history), options, config, metrics),
        z_dim=config["z_dim"],
        baselines={f"{name} pixels" if name == "raw" else f"{name} encoder": knn for name, knn in baselines.items()},
    )
    with written_aside(folder.report_path) as aside:
        figure.savefig(aside)
    write_projector(folder.tensorboard_path, shown["embeddings"], shown["images"], _names(shown))
    return folder.report_path


def _shown_pictures(folder, options):
    source = spread(load_examples(options), SHOWN)
    embeddings, labels = evaluation.extract_features(folder.load_encoder(), source)
    images = _as_bytes(source.images(np.arange(len(source))))
    return {"embeddings": embeddings, "images": images, "labels": labels, "classes": source.classes}


def _shown_texts(folder, options):
    labelled, _ = judged_texts(folder.read_config()["judged_by"])
    source = spread(data.load_text(options.data) if labelled is None else labelled[1], SHOWN)
    if isinstance(source, data.PairSource):
        source = source.first
    texts = source.texts(np.arange(len(source)))
    embeddings = evaluation.encode_texts(folder.load_encoder(), folder.load_tokenizer(), texts, folder.max_length())
    shown = {"embeddings": embeddings, "images": None, "texts": texts}
    return shown | {"labels": source.labels, "classes": source.classes}


def _subtitle(epochs, options, config, metrics):
    parts = [f"{epochs} epoch{'s' * (epochs != 1)}, batch {options.batch_size}, seed {options.seed}"]
    parts.append(f"encoder of {config['parameters']:,} parameters")
    if metrics:
        names = {"knn": "kNN", "linear": "linear", "recall@10": "recall@10"}
        parts.append(", ".join(f"{title} {metrics[name]:.3f}" for name, title in names.items() if name in metrics))
    return "   ·   ".join(parts)


def _names(shown):
    """What a point of the projector is labelled with: its text, else its class, else nothing."""
    if "texts" in shown:
        return [" ".join(text.split()) for text in shown["texts"]]
    labels, classes = shown["labels"], shown["classes"]
    if labels is None:
        return None
    return [str(classes[label]) if classes is not None else str(label) for label in labels]


def _as_bytes(images):
    if images.dtype == np.uint8:
        return images
    low, high = images.min(), images.max()
    return (255 * (images - low) / max(high - low, 1e-12)).astype("uint8")
