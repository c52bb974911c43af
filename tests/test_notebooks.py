"""The notebooks are what their sources make, and run from top to bottom."""

import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest

from keras_ssl import backbones, data
from keras_ssl.data.packages import wordnet

FOLDER = Path(__file__).parent.parent / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
SMALL = {"KERAS_SSL_EPOCHS": "1", "KERAS_SSL_STEPS": "6 6", "KERAS_SSL_SEEDS": "1", "KERAS_SSL_TEXTS": "600"}
# What each prints only if it has come that far.
PRINTED = {
    "01_quickstart": ("trained ", "largest difference"),
    "02_downstream_and_serving": ("It is: Ankle boot",),
    "04_text": ("loss on unseen texts", "Nearest to", "MiniLM", "strings in, vectors of shape (3, 256) out"),
}


def test_there_are_notebooks():
    assert [source.stem for source in SOURCES] == sorted(PRINTED)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_has_the_cells_of_its_source(source):
    made = jupytext.read(source)
    kept = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    assert [_content(cell) for cell in kept.cells] == [_content(cell) for cell in made.cells]


@pytest.mark.gate
@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_runs(source, monkeypatch, tmp_path):
    from nbclient import NotebookClient

    if source.stem == "04_text":
        _skip_without_wordnet()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # a vocabulary of few texts is of no use to others
    for name in ("KERAS_SSL_RUN", "MPLBACKEND"):  # figures are shown in the notebook, as for a reader
        monkeypatch.delenv(name, raising=False)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(source.with_suffix(".ipynb"), as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    assert [text for text in PRINTED[source.stem] if text not in printed] == []
    assert any("image/png" in output.get("data", ()) for output in outputs)


@pytest.mark.gate
def test_the_app_of_the_second_notebook_runs_where_keras_ssl_cannot_be_imported(tmp_path):
    test = data.load("fashion_mnist_sample", "test")
    pixels, labels = test.arrays()
    arrays = {"x_train": pixels[:1000], "y_train": labels[:1000], "x_test": pixels[1000:], "y_test": labels[1000:]}
    np.savez(tmp_path / "clothes.npz", **arrays, classes=test.classes)
    backbones.small_image_resnet(test.image_shape, widths=(4, 8)).save(tmp_path / "encoder.keras")

    notebook = nbformat.read(FOLDER / "02_downstream_and_serving.ipynb", as_version=4)
    app = [cell.source for cell in notebook.cells if "plain-keras" in cell.metadata.get("tags", ())]
    program = "\n".join(
        [
            "import pathlib, sys",
            "sys.modules['keras_ssl'] = None",
            f"APP = pathlib.Path({str(tmp_path)!r})",
            *app,
            "import tensorflow as tf",
            "served = tf.saved_model.load(str(APP / 'plain' / '1')).signatures['serving_default']",
            "(found,) = served(tf.constant(clothes['x_test'][:4], 'float32')).values()",
            "again = keras.models.load_model(APP / 'classifier.keras')",
            "np.testing.assert_allclose(found, again.predict(clothes['x_test'][:4], verbose=0), atol=1e-5)",
            "pairs = list(zip(again.layers[0].layers, encoder.layers, strict=True))",
            "norms = [(new, old) for new, old in pairs if isinstance(old, keras.layers.BatchNormalization)]",
            "assert norms and all(np.array_equal(new.moving_mean, old.moving_mean) for new, old in norms)",
            "convolutions = [(new, old) for new, old in pairs if isinstance(old, keras.layers.Conv2D)]",
            "assert not any(np.array_equal(new.kernel, old.kernel) for new, old in convolutions)",
            "print(sorted(name for name in sys.modules if name.startswith('keras_ssl')))",
        ]
    )
    child = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | SMALL,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert "fine-tuned" in child.stdout
    assert child.stdout.splitlines()[-1] == "['keras_ssl']"


def _skip_without_wordnet():
    try:
        wordnet.PACKAGE.read()
    except ValueError as error:
        pytest.skip(str(error))


def _content(cell):
    return cell.cell_type, cell.source, cell.metadata.get("tags", [])
