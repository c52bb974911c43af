import numpy as np
import pytest
import tensorflow_datasets as tfds

from keras_ssl import data
from keras_ssl.data import tfds_texts

TEXTS = [f"text {row}\nwith two lines" for row in range(11)] + [""]


class TinyReviews(tfds.core.GeneratorBasedBuilder):
    """Twelve texts, one of them empty, with a title each and two classes."""

    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}

    def _info(self):
        features = {
            "title": tfds.features.Text(),
            "body": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=["bad", "good"]),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), supervised_keys=("body", "label"), disable_shuffling=True
        )

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(range(12)), "validation": self._generate_examples(range(3))}

    def _generate_examples(self, rows):
        for row in rows:
            yield row, {"title": "a title", "body": TEXTS[row], "label": row % 2}


class OnlyNumbers(tfds.core.GeneratorBasedBuilder):
    """No texts."""

    VERSION = tfds.core.Version("1.0.0")
    url_infos = {}

    def _info(self):
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"x": np.int64}))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        yield 0, {"x": 1}


@pytest.fixture(params=["tfrecord", "array_record"])
def prepared(tmp_path, request):
    TinyReviews(data_dir=tmp_path, file_format=request.param).download_and_prepare()
    return tmp_path


def test_the_supervised_texts_with_random_access(prepared, monkeypatch):
    monkeypatch.setattr(tfds_texts, "READ_AT_A_TIME", 5)
    source = data.load_text("tiny_reviews", data_dir=prepared)
    rows = np.arange(12)
    assert source.texts(rows) == TEXTS
    assert source.texts([7, 0]) == [TEXTS[7], TEXTS[0]]
    assert (source.labels.tolist(), source.classes, source.name) == ([0, 1] * 6, ("bad", "good"), "tiny_reviews")
    for batch in source.batches(4, seed=3).take(4).as_numpy_iterator():
        assert [text.decode() for text in batch["x"]] == [TEXTS[row] for row in batch["index"]]
        np.testing.assert_array_equal(batch["y"], batch["index"] % 2)


def test_splits_and_parts_of_them(prepared):
    assert data.load_text("tiny_reviews", "test", data_dir=prepared).texts([2]) == TEXTS[2:3]
    assert len(data.load_text("tiny_reviews", "train[:25%]", data_dir=prepared)) == 3
    with pytest.raises(ValueError, match=r"`split` must be one of \['train', 'validation'\]"):
        data.load_text("tiny_reviews", "unlabelled", data_dir=prepared)


def test_other_formats_are_copied_once(tmp_path, monkeypatch):
    TinyReviews(data_dir=tmp_path).download_and_prepare()
    texts = data.load_text("tiny_reviews", data_dir=tmp_path).texts([1])
    monkeypatch.setattr(tfds_texts, "_rows", None)
    assert data.load_text("tiny_reviews", data_dir=tmp_path).texts([1]) == texts


def test_a_set_without_texts_is_refused(tmp_path):
    OnlyNumbers(data_dir=tmp_path).download_and_prepare()
    with pytest.raises(ValueError, match=r"a set of texts. Received: data='only_numbers', with \['x'\]"):
        data.load_text("only_numbers", data_dir=tmp_path)


def test_unknown_names_are_told_with_their_neighbours(tmp_path):
    with pytest.raises(ValueError, match=r"the nearest names are wordnet.* Received: data='wordnett'"):
        data.load_text("wordnett", data_dir=tmp_path)
    with pytest.raises(ValueError, match=r"keras_ssl.data.text_names\(\). Received: data='qqqqqqqqqq'"):
        data.load_text("qqqqqqqqqq", data_dir=tmp_path)
