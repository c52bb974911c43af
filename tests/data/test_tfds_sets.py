import socket
import warnings

import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_ssl import data
from keras_ssl.data import ArraySource, RecordSource, StreamSource, tfds_sets


class TinyPictures(tfds.core.GeneratorBasedBuilder):
    """Twelve and five pictures of one size, with names of classes."""

    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}
    SIZE = (6, 4)
    SPLITS = {"train": 12, "validation": 5}

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(*self.SIZE, 3)),
            "coarse": tfds.features.ClassLabel(names=["insect", "mammal"]),
            "label": tfds.features.ClassLabel(names=["ant", "bee", "cat"]),
            "other": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(rows) for split, rows in self.SPLITS.items()}

    def _generate_examples(self, rows):
        for row in range(rows):
            size = [side or 5 + row for side in self.SIZE]
            image = np.full((*size, 3), 10 * row, "uint8")
            yield row, {"image": image, "coarse": row % 3 // 2, "label": row % 3, "other": "word"}


class UnevenPictures(TinyPictures):
    """Pictures of many sizes."""

    SIZE = (None, None)


class OnlyWords(tfds.core.GeneratorBasedBuilder):
    """No pictures."""

    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}

    def _info(self):
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"text": tfds.features.Text()}))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"text": "word"}


class FarAwayPictures(TinyPictures):
    """Pictures on a host that cannot be found."""

    url_infos = {"https://pictures.invalid/all.tar": None}

    def _split_generators(self, dl_manager):
        raise AssertionError("the network is looked at first")


class BrokenPictures(TinyPictures):
    """Pictures that cannot be prepared."""

    def _split_generators(self, dl_manager):
        raise OSError("the disk is full\nand more lines")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    several_files = tfds.download.DownloadConfig(num_shards=3)
    TinyPictures(data_dir=folder).download_and_prepare(download_config=several_files)
    return folder


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds_records")
    TinyPictures(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def check(source, rows):
    """All rows are there, each with its own label."""
    assert (len(source), source.image_shape, source.classes) == (rows, (6, 4, 3), ("ant", "bee", "cat"))
    x, y = source.arrays()
    numbers = x[:, 0, 0, 0].astype(int) // 10
    assert sorted(numbers) == list(range(rows))
    np.testing.assert_array_equal(y, numbers % 3)
    np.testing.assert_array_equal(source.labels, y)
    for start in (0, 2):
        for batch in source.batches(4, seed=1, start=start).take(4).as_numpy_iterator():
            np.testing.assert_array_equal(batch["x"], x[batch["index"]])
            np.testing.assert_array_equal(batch["y"], y[batch["index"]])


@pytest.mark.parametrize("folder", ["prepared", "records"])
def test_a_small_set_is_read_into_memory(folder, request):
    folder = request.getfixturevalue(folder)
    source = data.load("tiny_pictures", data_dir=folder)
    assert isinstance(source, ArraySource)
    assert source.name == "tiny_pictures"
    check(source, 12)


def test_a_large_set_of_records_has_random_access(records, monkeypatch):
    monkeypatch.setattr(tfds_sets, "LARGEST_IN_MEMORY", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        source = data.load("tiny_pictures", data_dir=records)
    assert isinstance(source, RecordSource)
    check(source, 12)
    np.testing.assert_array_equal(source.subset([7, 2]).images([1]), source.images([2]))
    np.testing.assert_array_equal(source.subset([7, 2]).labels, source.labels[[7, 2]])
    assert source.batches(4).element_spec["x"].shape == (4, 6, 4, 3)


def test_another_large_set_is_a_stream_and_says_so(prepared, monkeypatch):
    monkeypatch.setattr(tfds_sets, "LARGEST_IN_MEMORY", 0)
    with pytest.warns(UserWarning, match='in the order of its files, .* file_format="array_record"'):
        source = data.load("tiny_pictures", data_dir=prepared)
    assert isinstance(source, StreamSource)
    check(source, 12)


def test_splits_and_parts_of_them(prepared):
    assert len(data.load("tiny_pictures", "test", data_dir=prepared)) == 5
    assert len(data.load("tiny_pictures", "train[:25%]", data_dir=prepared)) == 3
    with pytest.raises(ValueError, match=r"`split` must be one of \['train', 'validation'\]"):
        data.load("tiny_pictures", "unlabelled", data_dir=prepared)


def test_pictures_of_many_sizes_need_an_image_size(tmp_path):
    UnevenPictures(data_dir=tmp_path).download_and_prepare()
    with pytest.raises(ValueError, match=r"`image_size` must be .* sizes differ in 'uneven_pictures'"):
        data.load("uneven_pictures", data_dir=tmp_path)
    source = data.load("uneven_pictures", data_dir=tmp_path, image_size=(6, 4))
    check(source, 12)


def test_an_image_size_resizes(prepared):
    assert data.load("tiny_pictures", data_dir=prepared, image_size=3).image_shape == (3, 3, 3)


def test_a_set_without_pictures_is_refused(tmp_path):
    OnlyWords(data_dir=tmp_path).download_and_prepare()
    with pytest.raises(ValueError, match=r"8-bit pictures. Received: data='only_words', with \['text'\]"):
        data.load("only_words", data_dir=tmp_path)


def test_without_a_network_one_line_says_so_at_once(tmp_path, monkeypatch):
    def not_found(host, port):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    monkeypatch.setattr(tfds_sets.urllib.request, "getproxies", dict)
    message = (
        r"^'far_away_pictures' is not in '.*far_away.*no network: pictures.invalid cannot be found.*Prepare it where.*$"
    )
    with pytest.raises(ValueError, match=message) as caught:
        data.load("far_away_pictures", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_what_stops_a_preparation_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"'broken_pictures' is not in .*\(OSError: the disk is full\)") as caught:
        data.load("broken_pictures", data_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_fashion_mnist_that_cannot_be_had_names_the_package(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise ValueError("no network")

    monkeypatch.setattr("keras_ssl.data.fashion_mnist.find_folder", lambda: None)
    monkeypatch.setattr("keras_ssl.data.loading.load_tfds", refuse)
    with pytest.raises(ValueError, match="no network; or install the Debian package dataset-fashion-mnist"):
        data.load("fashion_mnist", data_dir=tmp_path)


def test_unknown_names_come_with_the_nearest(tmp_path):
    with pytest.raises(ValueError, match=r"the nearest names are cifar10, .*Received: data='cifar_10'") as caught:
        data.load("cifar_10", data_dir=tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"the nearest names are .*fashion_mnist_sample"):
        data.load("fashion_mnist_sampel", data_dir=tmp_path)
    with pytest.raises(ValueError, match=r"see keras_ssl.data.names\(\). Received: data='qqqqqqqq'"):
        data.load("qqqqqqqq", data_dir=tmp_path)
    with pytest.raises(
        ValueError, match=r"'160' is none of its configurations; the nearest names are imagenette/160px"
    ):
        data.load("imagenette/160", data_dir=tmp_path)
