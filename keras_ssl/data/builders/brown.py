"""The Brown corpus for tensorflow-datasets."""

import tensorflow_datasets as tfds

from keras_ssl.data.builders.package_builder import PackageBuilder
from keras_ssl.data.packages import brown


class Brown(PackageBuilder):
    """The Brown corpus: the words of each sentence, Brown's own tags, and the twelve universal ones.

    A document is whole on one side of the split, and one of six is for testing.
    """

    HOMEPAGE = "http://www.hit.uib.no/icame/brown/bcm.html"
    LICENSE = "Distributed with the permission of the copyright holder, redistribution permitted."
    PACKAGE = brown

    def _features(self):
        return {
            "tokens": tfds.features.Sequence(tfds.features.Text()),
            "tags": tfds.features.Sequence(tfds.features.Text()),
            "universal_tags": tfds.features.Sequence(tfds.features.Text()),
            "genre": tfds.features.ClassLabel(names=list(brown.GENRES.values())),
            "document": tfds.features.Text(),
        }
