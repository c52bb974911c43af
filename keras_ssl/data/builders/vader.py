"""VADER for tensorflow-datasets."""

import numpy as np
import tensorflow_datasets as tfds

from keras_ssl.data.builders.package_builder import PackageBuilder
from keras_ssl.data.packages import vader


class Vader(PackageBuilder):
    """VADER, one configuration for each kind of text: `score` in [-4, 4], and `label`, -1 where no side is taken.

    Equal texts are on one side of the split, and one of six is for testing.

    Reference: Hutto and Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text,
    ICWSM 2014.
    """

    HOMEPAGE = "https://github.com/cjhutto/vaderSentiment"
    LICENSE = "MIT"
    PACKAGE = vader
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=part, version="1.0.0") for part in vader.PARTS]

    def _features(self):
        return {
            "text": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=vader.LABELS),
            "score": tfds.features.Scalar(np.float32),
        }
