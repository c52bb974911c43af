"""What a run on texts learns from, and how its model is made."""

from pathlib import Path

from keras_ssl import backbones, data, objectives
from keras_ssl.data.text_fingerprint import as_text_source, text_fingerprint, tokenizer_fingerprint
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
        if options.image_size is not None:
            raise ValueError(f"`image_size` is for runs on pictures. Received: image_size={options.image_size}")
        self._recipe, self._options = recipe, options
        self._judged_by = recipe.judged_by if options.data == recipe.data else (options.data,)
        self._preset = options.init_from if _is_preset(options.init_from) else None
        self._from_preset = self._preset is not None or _began_with_preset(options.init_from)
        texts = data.load_text(options.data)
        if isinstance(texts, data.PairSource) and not _takes_views(recipe.objective):
            raise ValueError(
                f"`data` must be texts for {recipe.objective}, which does not learn from pairs. "
                f"Received: data={options.data!r}"
            )
        self._labelled, self._pairs = judged_texts(self._judged_by)
        self.tokenizer = self._tokenizer(texts)
        self.train = recipe.arrange(texts, self.tokenizer)
        self._fingerprint = text_fingerprint(as_text_source(texts))
        # Blocks and pairs have a `length`; a source of the user's own may have neither.
        self._longest = getattr(self.train, "max_length", getattr(self.train, "length", None))
        self.watched = self._watched()

    def model(self):
        """A new, compiled objective."""
        backbone = self._pretrained_backbone()
        pretrained = backbone is not None
        if not pretrained:
            backbone = self._recipe.backbone(self.tokenizer)
        return self._recipe.build(backbone, self.tokenizer, self._options.seed, pretrained)

    def begin(self, model):
        """Puts in what a training begins with: an earlier run's encoder, and what `adapt` counts in the data.

        Where a preset stands at the beginning of all, its weights are there already, and nothing is to be adapted.
        """
        init_from = self._options.init_from
        if init_from and self._preset is None:
            copy_encoder(model, RunFolder.open(init_from).load_encoder(), init_from)
        if not self._from_preset and hasattr(model, "adapt"):
            model.adapt(self.train)

    def _pretrained_backbone(self):
        """That of the preset which this run or the one before it began with, or None."""
        if self._preset is not None:
            from keras_hub.models import Backbone

            return Backbone.from_preset(self._preset)
        if self._from_preset:
            return backbones.backbone_of(RunFolder.open(self._options.init_from).load_encoder())
        return None

    def save(self, folder):
        """Saves the tokenizer; that of a run which is gone on with must be the same, and so must be its texts."""
        began_with = folder.read_config().get("data", {}).get("fingerprint") if folder.holds_run() else None
        if began_with not in (None, self._fingerprint):
            raise ValueError(
                "`data` must be what the run began with, and its texts are others now. "
                f"Received: data={self._options.data!r}"
            )
        folder.save_tokenizer(self.tokenizer)
        saved, own = (tokenizer_fingerprint(one) for one in (folder.load_tokenizer(), self.tokenizer))
        if saved != own:
            raise ValueError(
                "`data` must be what the run began with, for its ids are those of another vocabulary now. "
                f"Received: data={self._options.data!r}"
            )

    def described(self):
        """Entries of the run's configuration: dict."""
        train = self.train
        return {
            "kind": "texts",
            "from_preset": self._from_preset,
            "judged_by": self._judged_by,
            "judged": self._labelled is not None or self._pairs is not None,
            "data": {
                "name": train.name,
                train.rows_word: len(train),
                "classes": train.classes,
                "fingerprint": self._fingerprint,
            },
            "max_length": self._longest,
        }

    def _tokenizer(self, texts):
        if self._preset is not None:
            from keras_hub.tokenizers import Tokenizer

            return Tokenizer.from_preset(self._preset)
        if self._options.init_from is not None:
            return RunFolder.open(self._options.init_from).load_tokenizer()
        return self._recipe.tokenizer(texts)

    def _watched(self):
        if self._labelled is None:
            return None
        longest = {} if self._longest is None else {"max_length": self._longest}
        return tuple(data.tokenize(texts, self.tokenizer, **longest) for texts in self._labelled)


def _takes_views(objective):
    """Whether this objective learns from pairs; one of the user's own is asked when it trains."""
    return getattr(getattr(objectives, objective, None), "takes_views", True)


def _began_with_preset(run):
    return run is not None and RunFolder.open(run).read_config().get("from_preset", False)


def _is_preset(folder):
    if folder is None:
        return False
    if not Path(folder).is_dir():
        raise ValueError(
            f"`init_from` must be the folder of a run or of a preset of keras-hub. Received: init_from={folder}"
        )
    path = Path(folder)
    if RunFolder(path).holds_run() and "options" in RunFolder(path).read_config():  # a preset has a config.json, too
        return False
    if not any(found for ending in ("*.safetensors*", "*.weights.h5") for found in path.glob(ending)):
        raise ValueError(
            "`init_from` must be the folder of a run, or of a preset of keras-hub with its weights in .safetensors or "
            f".weights.h5. Received: init_from={folder}"
        )
    return True
