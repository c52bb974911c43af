"""Where sentences begin, by rule."""

import itertools
import mmap
import re

import numpy as np

# A full stop after these, or after a single capital letter, ends no sentence.
ABBREVIATIONS = "Mr Mrs Ms Dr Prof St Sr Jr Gen Col Capt Lt Sen Rep Gov Rev Hon Mt vs cf Vol Fig e.g i.e"

_NO_ABBREVIATION = "".join(rf"(?<!\b{re.escape(word)}\.)" for word in ABBREVIATIONS.split()) + r"(?<!\b[A-Z]\.)"
# Of bytes, for files are not decoded. It begins with the first bytes of all that ends a sentence, then looks back at
# which it was: a set in front is searched for ten times as fast as alternatives.
_BOUNDARY = re.compile(
    rf"""
    [.!?\n\xe2\xe3\xef] (?:
      (?: (?<=\.){_NO_ABBREVIATION} | (?<=[!?]) | (?<=\xe2)\x80\xa6 )              # . ! ? …
      [.!?]* (?: ["')\]] | ” | ’ | » )*+ \s++ (?![a-z])
    |
      (?: (?<=\xe3)\x80\x82 | (?<=\xef)(?: \xbc\x81 | \xbc\x9f | \xbd\xa1 ) )    # 。 ！ ？ ｡
      (?: 。 | ！ | ？ | ｡ )*+ (?: 」 | 』 | ” | ’ | ） | 》 )*+ \s*+
    |
      (?<=\n) [^\S\n]*+ \n \s*+                                                  # a blank line
    )
    """.encode(),
    re.VERBOSE,
)


def sentence_starts(path, first):
    """Where the sentences of a text file begin: int64 array.

    A sentence ends with `.`, `!`, `?` or `…`, perhaps a closing quote or bracket, then a space or line end and no
    lower-case letter of English; with `。`, `！` or `？`, whatever follows; or before a blank line. A line end alone is
    a space, since prose is often wrapped.

    NOTE: This is a rule, not a model. It knows some English abbreviations and takes others for the end of a sentence
    where a capital or a digit follows ("approx. 5"), cuts none off that lack a space ("end.Next"), and takes a heading
    without a full stop for a part of the sentence below, unless a blank line comes between.

    Args:
        path: path of a file that is not empty.
        first: int64 array of one number, where the first sentence begins, or of none.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        ends = np.fromiter((match.end() for match in _BOUNDARY.finditer(content)), "int64")
        return np.concatenate([first, ends[(ends > first.sum()) & (ends < len(content))]])


def split_sentences(text):
    """The sentences of a text by the rule of `sentence_starts`: list of str.

    Args:
        text: str.

    Example:

    >>> from keras_ssl.data.sentences import split_sentences
    >>> split_sentences("Dr. Li left. She said: “No!” Then it rained.")
    ['Dr. Li left.', 'She said: “No!”', 'Then it rained.']
    >>> split_sentences("今天下雨。我不去！")
    ['今天下雨。', '我不去！']
    """
    encoded = text.encode()
    cuts = [0, *(match.end() for match in _BOUNDARY.finditer(encoded)), len(encoded)]
    parts = (b" ".join(encoded[begin:end].split()) for begin, end in itertools.pairwise(cuts))
    return [part.decode() for part in parts if part]
