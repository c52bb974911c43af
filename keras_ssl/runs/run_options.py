"""What a run was asked to do: the recipe's settings, changed by what the user gave."""

import dataclasses
from pathlib import Path

from keras_ssl import data as sources

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")
# What may be another on `resume`: it changes no number that is learned, but for how many epochs.
CHANGEABLE = {"epochs", "strategy", "checkpoint_every", "keep_checkpoints", "keep_best"}
_WHOLE = {"epochs": 1, "batch_size": 1, "seed": 0, "checkpoint_every": 1, "keep_checkpoints": 1}


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """The options of one run, all of them known: what `config.json` keeps and `resume` goes on with.

    Args:
        recipe: str, name of the recipe.
        data: str, name or path for `keras_ssl.data.load`.
        epochs: int, passes over the data in the whole run.
        batch_size: int, rows of a global batch.
        seed: int.
        image_size: `(height, width)` for a folder of pictures, or None.
        init_from: str, folder of the run whose encoder to start from, or None.
        early_stopping: str `"METRIC:PATIENCE"`, or None.
        mixed_precision: str, the Keras dtype policy `"mixed_bfloat16"`, `"mixed_float16"` or `"float32"`, or None.
        deterministic: bool, True for bit-equal repetitions at the price of speed.
        strategy: str, a name for `keras_ssl.distribution.strategy`.
        checkpoint_every: int, batches between two checkpoints, or None for as often as costs one percent of the time.
        keep_checkpoints: int, how many of the latest checkpoints stay.
        keep_best: str, a logged metric whose best epoch is kept as a checkpoint too, or None.
    """

    recipe: str
    data: str
    epochs: int
    batch_size: int
    seed: int
    image_size: tuple[int, int] | None = None
    init_from: str | None = None
    early_stopping: str | None = None
    mixed_precision: str | None = None
    deterministic: bool = False
    strategy: str = "none"
    checkpoint_every: int | None = None
    keep_checkpoints: int = 2
    keep_best: str | None = None

    def __post_init__(self):
        for name, least in _WHOLE.items():
            value = getattr(self, name)
            if value is None and name == "checkpoint_every":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"`{name}` must be an int of {least} or more. Received: {name}={value!r}")
        if self.mixed_precision not in (None, *POLICIES):
            raise ValueError(
                f"`mixed_precision` must be one of {', '.join(POLICIES)}. "
                f"Received: mixed_precision={self.mixed_precision!r}"
            )

    @classmethod
    def new(cls, recipe, **given):
        """The recipe's settings, each replaced by what was given for it; None stands for not given."""
        settings = {name: getattr(recipe, name) for name in ("data", "epochs", "batch_size", "seed", "image_size")}
        return cls(recipe=recipe.name, **_settled(settings | _without_none(given)))

    @classmethod
    def of(cls, folder, data=None):
        """The options that a run was made with, for other `data` if given."""
        config = folder.read_config()
        saved = _settled(config["options"])
        if data is None:
            return cls(**saved)
        size = saved["image_size"]
        if size is None and "image_shape" in config["data"]:
            # Pictures of any size are brought to the one that the encoder has learned from.
            size = tuple(config["data"]["image_shape"][:2])
        return cls(**_settled(saved | {"data": data, "image_size": size}))

    @classmethod
    def resumed(cls, saved, recipe, **given):
        """The options of an earlier run; only those in `CHANGEABLE` may be other ones now.

        Raises:
            ValueError: If the run was another recipe's, or was made with another option than now given.
        """
        if saved["recipe"] != recipe.name:
            raise ValueError(
                f"`resume` goes on with the same recipe, and this run is of {saved['recipe']}. "
                f"Received: recipe={recipe.name!r}"
            )
        saved, given = _settled(saved), _settled(_without_none(given))
        for name in given.keys() - CHANGEABLE:
            if given[name] != saved[name]:
                raise ValueError(
                    f"`{name}` cannot change when a run is resumed: it was {saved[name]!r}. "
                    f"Received: {name}={given[name]!r}"
                )
        return cls(**(saved | given))


def _without_none(given):
    return {name: value for name, value in given.items() if value is not None}


def _names():
    return {**sources.names(), **sources.text_names()}


def _settled(options):
    """Options as they are compared and kept: JSON has no tuples, and a path has to hold in another folder too."""
    options = dict(options)
    if options.get("image_size") is not None:
        options["image_size"] = tuple(options["image_size"])
    if options.get("data") and options["data"] not in _names() and Path(options["data"]).expanduser().exists():
        options["data"] = str(Path(options["data"]).expanduser().resolve())
    if options.get("init_from"):
        options["init_from"] = str(Path(options["init_from"]).expanduser().resolve())
    return options
