"""What the builders of packages share: how they are prepared, and their two splits."""

import importlib.util

import tensorflow_datasets as tfds

from keras_ssl.data.splits import is_held_out


class PackageBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A set made from the files of a package; a subclass sets `HOMEPAGE`, `LICENSE` and `PACKAGE`, and its features.

    `PACKAGE` is a module of `keras_ssl.data.packages`. Examples stay in the order of the files. They are written in the
    array_record format, which has random access, if its package is installed and no other format is asked for.

    Args:
        files: path of a folder or an archive, or None: see `Package.read`.
        **settings: those of every builder.
    """

    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}

    def __init__(self, *, files=None, file_format=None, **settings):
        if file_format is None and importlib.util.find_spec("array_record"):
            file_format = "array_record"
        super().__init__(file_format=file_format, **settings)
        self._files = files

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description=type(self).__doc__,
            features=tfds.features.FeaturesDict(self._features()),
            homepage=self.HOMEPAGE,
            license=self.LICENSE,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager):
        files = self.PACKAGE.PACKAGE.read(self._files)
        return {split: self._generate_examples(files, split) for split in ("train", "test")}

    def _generate_examples(self, files, split):
        config = [self.builder_config.name] if self.builder_config else []
        for row, example in enumerate(self.PACKAGE.examples(files, *config)):
            if is_held_out(self.PACKAGE.split_key(example), self.PACKAGE.HELD_OUT) == (split == "test"):
                yield row, example

    def _features(self):
        """The features: dict."""
        raise NotImplementedError
