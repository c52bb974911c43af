"""VADER: sentences of reviews and tweets, with the mean of twenty people's judgements."""

from keras_ssl.data.packages.package import Package

PACKAGE = Package(
    name="vader",
    files="(movieReviewSnippets|tweets|amazonReviewSnippets)_GroundTruth[.]txt",
    count=3,
    advice="get the source archive of vaderSentiment 3.3.2 (pip download --no-deps --no-binary :all: vaderSentiment)",
    archives="vaderSentiment.*[.]tar[.]gz|hutto_ICWSM_2014[.]tar[.]gz",
)
PARTS = {"movie": "movieReviewSnippets", "tweets": "tweets", "amazon": "amazonReviewSnippets"}
LABELS = ("negative", "positive")
HELD_OUT = 6  # One sentence of so many is for testing.
CLEAR = 0.5  # A sentence takes a side if its score is beyond this.


def examples(files, part):
    """All sentences of one kind: dicts of `text`, `label` and `score`.

    Args:
        files: dict from file name to bytes, what `PACKAGE` reads.
        part: str, a key of `PARTS`.
    """
    for line in text_of(files[f"{PARTS[part]}_GroundTruth.txt"]).split("\n"):
        if line.strip():
            _, score, text = line.rstrip("\r").split("\t", 2)
            yield {"text": text.strip(), "label": polarity(float(score)), "score": float(score)}


def split_key(example):
    """What decides on which side of the split a sentence is: its text, so that equal ones are on one side."""
    return example["text"]


def polarity(score):
    """0 for negative and 1 for positive, beyond 0.5 either way; -1 between."""
    return -1 if abs(score) <= CLEAR else int(score > 0)


def text_of(content):
    """Bytes as a str: UTF-8, which the files of 3.3.2 are, or else Latin-1, as their description has it."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
