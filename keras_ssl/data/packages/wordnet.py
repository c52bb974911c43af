"""WordNet: definitions, examples and words of 117,659 concepts."""

import re

from keras_ssl.data.packages.package import Package

PACKAGE = Package(
    name="wordnet",
    files="data[.](noun|verb|adj|adv)",
    count=4,
    advice="install the Debian package wordnet-base, or get the database files of WordNet 3.0",
    folders=("/usr/share/wordnet",),
)
PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
# The lexicographer files in the order of their numbers: 45, of which 3 to 28 are nouns.
LABELS = (
    *("adj.all", "adj.pert", "adv.all", "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute"),
    *("noun.body", "noun.cognition", "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group"),
    *("noun.location", "noun.motive", "noun.object", "noun.person", "noun.phenomenon", "noun.plant"),
    *("noun.possession", "noun.process", "noun.quantity", "noun.relation", "noun.shape", "noun.state"),
    *("noun.substance", "noun.time", "verb.body", "verb.change", "verb.cognition", "verb.communication"),
    *("verb.competition", "verb.consumption", "verb.contact", "verb.creation", "verb.emotion", "verb.motion"),
    *("verb.perception", "verb.possession", "verb.social", "verb.stative", "verb.weather", "adj.ppl"),
)
HELD_OUT = 10  # One gloss of so many is for testing.
# Examples are quoted and follow a mark; what is quoted earlier is a part of the definition.
_FIRST_EXAMPLE = re.compile(r'(?<=[;:,.])\s*"')


def examples(files):
    """All concepts: dicts of what `parse_line` finds, and `part_of_speech`.

    Args:
        files: dict from file name to bytes, what `PACKAGE` reads.
    """
    for part in PARTS_OF_SPEECH:
        for line in files[f"data.{part}"].decode().splitlines():
            if not line.startswith("  "):  # as the lines of the licence do
                yield {**parse_line(line), "part_of_speech": part}


def split_key(example):
    """What decides on which side of the split a concept is: the gloss, so that equal ones are on one side."""
    return example["gloss"]


def parse_line(line):
    """One concept of a data file: dict of `gloss`, `examples`, `lemmas`, `label` and `offset`.

    Args:
        line: str: offset, number of the lexicographer file, kind, number of words in base 16, the words each with an
            identifier, pointers, then a bar and the gloss.

    Example:

    >>> from keras_ssl.data.packages.wordnet import parse_line
    >>> found = parse_line('00000042 05 n 01 dog 0 000 | a tame animal; "the dog barked"; "dogs dig"')
    >>> found["gloss"], found["examples"], found["lemmas"], found["label"]
    ('a tame animal', ['the dog barked', 'dogs dig'], ['dog'], 5)
    """
    head, _, text = line.partition(" | ")
    fields = head.split(" ")
    words = int(fields[3], 16)
    gloss, examples = split_gloss(text)
    return {
        "gloss": gloss,
        "examples": examples,
        "lemmas": [word.replace("_", " ") for word in fields[4 : 4 + 2 * words : 2]],
        "label": int(fields[1]),
        "offset": int(fields[0]),
    }


def split_gloss(text):
    """The definition and the examples of a gloss: str and list of str.

    NOTE: About twenty glosses lack a quotation mark; of these an example may be lost, or run on into the next.

    Args:
        text: str, what stands after the bar.
    """
    first = _FIRST_EXAMPLE.search(text)
    begin = first.start() if first else (text.index('"') if '"' in text else len(text))
    examples = [example.strip() for example in re.findall(r'"([^"]*)', text[begin:])[::2]]
    return text[:begin].strip(" ;:,"), [example for example in examples if example]
