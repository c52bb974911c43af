"""What a run on texts learns from, and how its model is made."""

from pathlib import Path

from keras_ssl import data
from keras_ssl.runs.judged_texts import judged_texts
from keras_ssl.runs.picture_job import copy_encoder
from keras_ssl.runs.run_folder import RunFolder


class TextJob:
    """The data and the model of a run on texts; see `PictureJob` for attributes and methods.

    A run starts from nothing, from the encoder of an earlier run, or from a preset of keras-hub in a local folder,
    whose backbone and tokenizer then stand in for those of the recipe.

    Args:
        recipe: `keras_ssl.recipes.TextRecipe`.
        options: `RunOptions`.
    """

    def __init__(self, recipe, options):
        self._recipe, self._options = recipe, options
        self._judged_by = recipe.judged_by if options.data == recipe.data else (options.data,)
        self._preset = options.init_from if _is_preset(options.init_from) else None
        texts = data.load_text(options.data)
        self.tokenizer = self._tokenizer(texts)
        self.train = recipe.arrange(texts, self.tokenizer)
        self.watched = self._watched()

    def model(self):
        """A new, compiled objective."""
        if self._preset is None:
            backbone, pretrained = self._recipe.backbone(self.tokenizer), self._options.init_from is not None
        else:
            from keras_hub.models import Backbone

            backbone, pretrained = Backbone.from_preset(self._preset), True
        return self._recipe.build(backbone, self.tokenizer, self._options.seed, pretrained)

    def start_from(self, model, init_from):
        """Puts the weights of an earlier run's encoder into the model; a preset's are there already."""
        if self._preset is None:
            copy_encoder(model, RunFolder.open(init_from).load_encoder(), init_from)

    def save(self, folder):
        """Saves the tokenizer."""
        folder.save_tokenizer(self.tokenizer)

    def described(self):
        """Entries of the run's configuration: dict."""
        train = self.train
        return {
            "kind": "texts",
            "judged_by": self._judged_by,
            "data": {"name": train.name, train.rows_word: len(train), "classes": train.classes},
        }

    def _tokenizer(self, texts):
        if self._preset is not None:
            from keras_hub.tokenizers import Tokenizer

            return Tokenizer.from_preset(self._preset)
        if self._options.init_from is not None:
            return RunFolder.open(self._options.init_from).load_tokenizer()
        return self._recipe.tokenizer(texts)

    def _watched(self):
        labelled, _ = judged_texts(self._judged_by)
        if labelled is None:
            return None
        longest = getattr(self.train, "max_length", None) or self.train.length  # of blocks and pairs
        return tuple(data.tokenize(texts, self.tokenizer, max_length=longest) for texts in labelled)


def _is_preset(folder):
    if folder is None:
        return False
    if not Path(folder).is_dir():
        raise ValueError(
            f"`init_from` must be the folder of a run or of a preset of keras-hub. Received: init_from={folder}"
        )
    path = Path(folder)
    if (path / "encoder.keras").exists():  # a run and a preset both have a config.json
        return False
    return any(found for ending in ("*.safetensors*", "*.weights.h5") for found in path.glob(ending))
