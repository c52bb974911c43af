"""The folder that one pretraining run leaves behind."""

import csv
import json
import tempfile
from pathlib import Path

import keras

from keras_ssl.files import folder_written_aside, leftovers, remove_leftovers, written_aside


class RunFolder:
    """The files of one run: each written whole or not at all.

    | file | what it holds |
    |---|---|
    | `config.json` | recipe, options, data, versions, times, state |
    | `checkpoints/` | everything that `resume` needs to go on, see `keras_ssl.callbacks.Checkpoint` |
    | `model.keras` | the objective with its optimizer after training |
    | `encoder.keras` | the encoder alone, after the last whole epoch: raw pixels, or token ids, to features |
    | `tokenizer/` | of texts: the tokenizer's configuration and vocabulary |
    | `history.csv` | one row an epoch |
    | `metrics.json` | what `evaluate` measured |
    | `report.png` | the run as one picture |
    | `tensorboard/` | scalars and the embedding projector |

    Args:
        path: str or Path of the folder. Nothing is read or written yet: see `create` and `open`.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.model_path = self.path / "model.keras"
        self.encoder_path = self.path / "encoder.keras"
        self.tokenizer_path = self.path / "tokenizer"
        self.checkpoints_path = self.path / "checkpoints"
        self.report_path = self.path / "report.png"
        self.tensorboard_path = self.path / "tensorboard"
        self._config_path = self.path / "config.json"
        self._history_path = self.path / "history.csv"
        self._metrics_path = self.path / "metrics.json"

    @classmethod
    def create(cls, path):
        """Makes a new run folder, and makes sure that it can be written to.

        Raises:
            FileExistsError: If there is something in it already.
            OSError: If it cannot be made or written to.
        """
        folder = cls(path)
        if folder.holds_run():
            raise FileExistsError(
                f"`output` holds a run already: go on with it by --resume, or choose another. Received: output={path}"
            )
        # A process may have been killed at its very first file.
        if folder.path.is_dir() and len(list(folder.path.iterdir())) > len(leftovers(folder.path)):
            raise FileExistsError(f"`output` must be a new or empty folder. Received: output={path}")
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder.path).close()
        except OSError as error:
            raise OSError(f"`output` cannot be written ({error.strerror}). Received: output={path}") from error
        return folder

    @classmethod
    def open(cls, path):
        """Opens the folder of an earlier run.

        Raises:
            ValueError: If there is no run in it.
        """
        folder = cls(path)
        if not folder.holds_run():
            raise ValueError(f"`run` must be the folder of a run (it has no config.json). Received: run={path}")
        return folder

    @classmethod
    def next_free(cls, name, parent="runs"):
        """Makes `<parent>/<name>-<n>`, with the smallest `n` beyond all that are there."""
        return cls.create(Path(parent) / f"{name}-{max(_numbers(name, parent), default=0) + 1}")

    @classmethod
    def newest(cls, name, parent="runs"):
        """Opens the `<parent>/<name>-<n>` with the largest `n`.

        Raises:
            ValueError: If there is none.
        """
        numbers = [number for number in _numbers(name, parent) if cls(Path(parent) / f"{name}-{number}").holds_run()]
        if not numbers:
            raise ValueError(f"`resume` found no run of {name} under {parent}/. Received: output=None")
        return cls.open(Path(parent) / f"{name}-{max(numbers)}")

    def holds_run(self):
        """True if there is a run in the folder."""
        return self._config_path.is_file()

    def sweep(self):
        """Takes away what a killed process left half-written."""
        remove_leftovers(self.path)

    def remove_if_empty(self):
        """Takes an unused folder away again."""
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def read_config(self):
        """The run's configuration: a dict."""
        return json.loads(self._config_path.read_text())

    def update_config(self, **entries):
        """Adds to the configuration, or replaces what is there under the same names."""
        _write_json(self._config_path, (self.read_config() if self.holds_run() else {}) | entries)

    def read_history(self):
        """One dict an epoch, `"epoch"` counting from 1; what was not measured in an epoch is not in its dict."""
        if not self._history_path.is_file():
            return []
        with self._history_path.open(newline="") as file:
            rows = [{name: float(text) for name, text in row.items() if text} for row in csv.DictReader(file)]
        return [row | {"epoch": int(row["epoch"])} for row in rows]

    def write_history(self, rows):
        """Writes what `read_history` reads."""
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with written_aside(self._history_path) as aside, aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def read_metrics(self):
        """What `evaluate` measured: a dict, or None before that."""
        return json.loads(self._metrics_path.read_text()) if self._metrics_path.is_file() else None

    def write_metrics(self, metrics):
        """Writes what `read_metrics` reads."""
        _write_json(self._metrics_path, metrics)

    def forget_metrics(self):
        """Takes the judgement of an encoder away that training is about to change."""
        self._metrics_path.unlink(missing_ok=True)

    def save_model(self, model):
        """Saves the objective, all of it."""
        with written_aside(self.model_path) as aside:
            model.save(aside)

    def save_encoder(self, encoder):
        """Saves the encoder alone."""
        with written_aside(self.encoder_path) as aside:
            encoder.save(aside)

    def save_tokenizer(self, tokenizer):
        """Saves a tokenizer of keras-hub; it stays the same for the whole run."""
        if self.tokenizer_path.is_dir():
            return
        with folder_written_aside(self.tokenizer_path) as aside:
            _write_json(aside / "config.json", keras.saving.serialize_keras_object(tokenizer))
            tokenizer.save_assets(str(aside))

    def load_tokenizer(self):
        """The tokenizer of a run on texts.

        Raises:
            ValueError: If the run has none.
        """
        if not self.tokenizer_path.is_dir():
            raise ValueError(f"`run` must be one on texts, with a tokenizer. Received: run={self.path}")
        config = json.loads((self.tokenizer_path / "config.json").read_text())
        tokenizer = keras.saving.deserialize_keras_object(config)
        tokenizer.load_assets(str(self.tokenizer_path))
        return tokenizer

    def learns_from_texts(self):
        """Whether the run is one on texts, not on pictures."""
        return self.read_config().get("kind") == "texts"

    def max_length(self):
        """Of a run on texts the most ids of a text that it learned from, or 128 where it does not tell: int.

        Longer texts are cut there: the positions behind were never trained.
        """
        return self.read_config().get("max_length") or 128

    def load_encoder(self):
        """The trained encoder: a `keras.Model`.

        Raises:
            ValueError: If the run was stopped before its first epoch was over.
        """
        if not self.encoder_path.is_file():
            raise ValueError(f"`run` has no encoder yet: its first epoch was not over. Received: run={self.path}")
        return keras.models.load_model(self.encoder_path, compile=False)


def _numbers(name, parent):
    endings = (path.name.removeprefix(f"{name}-") for path in Path(parent).glob(f"{name}-*"))
    return [int(ending) for ending in endings if ending.isdecimal()]


def _write_json(path, content):
    with written_aside(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + "\n")
