"""WordNet for tensorflow-datasets."""

import numpy as np
import tensorflow_datasets as tfds

from keras_ssl.data.builders.package_builder import PackageBuilder
from keras_ssl.data.packages import wordnet


class WordnetGlosses(PackageBuilder):
    """WordNet 3.0: the gloss of each concept without its examples, the examples, its words and its lexicographer file.

    Equal glosses are on one side of the split, and one of ten is for testing.
    """

    HOMEPAGE = "https://wordnet.princeton.edu"
    LICENSE = "WordNet 3.0 license"
    PACKAGE = wordnet

    def _features(self):
        return {
            "gloss": tfds.features.Text(),
            "examples": tfds.features.Sequence(tfds.features.Text()),
            "lemmas": tfds.features.Sequence(tfds.features.Text()),
            "label": tfds.features.ClassLabel(names=wordnet.LABELS),
            "part_of_speech": tfds.features.ClassLabel(names=wordnet.PARTS_OF_SPEECH),
            "offset": tfds.features.Scalar(np.int64),
        }
