import numpy as np
from PIL import Image

from keras_ssl.runs import projector


def written(directory, rng, rows=5, height=6, width=4, names=None):
    images = rng.integers(0, 256, (rows, height, width, 3), "uint8")
    embeddings = rng.normal(size=(rows, 7))
    projector.write_projector(directory, embeddings, images, names)
    return embeddings, images


def test_tensors_and_names(tmp_path, rng):
    embeddings, _ = written(tmp_path / "new", rng, names=["a", "b", "a", "c d", "b"])
    np.testing.assert_allclose(np.loadtxt(tmp_path / "new/tensors.tsv", delimiter="\t"), embeddings, rtol=1e-4)
    assert (tmp_path / "new/metadata.tsv").read_text() == "a\nb\na\nc d\nb\n"


def test_the_sprite_is_a_square_grid_row_by_row(tmp_path, rng):
    _, images = written(tmp_path, rng)
    sprite = np.asarray(Image.open(tmp_path / "sprite.png"))
    assert sprite.shape == (18, 12, 3)
    np.testing.assert_array_equal(sprite[:6, 8:], images[2])
    np.testing.assert_array_equal(sprite[6:12, :4], images[3])
    assert not sprite[12:].any()


def test_tensorboard_finds_the_files_wherever_the_folder_is(tmp_path, rng):
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    written(tmp_path, rng)
    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (entry,) = config.embeddings
    assert list(entry.sprite.single_image_dim) == [4, 6]  # width, height
    for path in (entry.tensor_path, entry.metadata_path, entry.sprite.image_path):
        assert "/" not in path
        assert (tmp_path / path).exists()


def test_large_pictures_are_shrunk_to_fit(tmp_path, rng, monkeypatch):
    monkeypatch.setattr(projector, "SPRITE_PIXELS", 10)
    _, images = written(tmp_path, rng)
    sprite = np.asarray(Image.open(tmp_path / "sprite.png"))
    assert sprite.shape == (9, 6, 3)
    np.testing.assert_array_equal(sprite[:3, :2], images[0, ::2, ::2])
