import numpy as np
import pytest
import tensorflow as tf

from keras_ssl.data import StreamSource

ROWS, BATCH = 11, 4
EPOCH = ROWS // BATCH


@pytest.fixture
def source():
    files = [tf.io.encode_png(np.full((6, 4, 1), row, "uint8")).numpy() for row in range(ROWS)]
    examples = tf.data.Dataset.from_tensor_slices({"x": files, "y": np.arange(ROWS) % 3})
    return StreamSource(examples, ROWS, (3, 2, 1), name="river", classes="abc")


def rows(dataset, count):
    batches = list(dataset.take(count).as_numpy_iterator())
    for batch in batches:
        np.testing.assert_array_equal(batch["x"][:, 0, 0, 0], batch["index"])
        np.testing.assert_array_equal(batch["y"], batch["index"] % 3)
    return [batch["index"].tolist() for batch in batches]


def test_each_epoch_is_in_file_order_and_of_full_batches(source):
    epoch = [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert rows(source.batches(BATCH, seed=9), 2 * EPOCH + 1) == [*epoch, *epoch, epoch[0]]
    assert source.batches(BATCH).element_spec["x"].shape == (BATCH, 3, 2, 1)


@pytest.mark.parametrize("start", [1, EPOCH, 2 * EPOCH + 1])
def test_any_batch_can_be_the_first(source, start):
    assert rows(source.batches(BATCH, start=start), 5) == rows(source.batches(BATCH), start + 5)[start:]


def test_ordered_labels_and_arrays(source):
    assert rows(source.ordered(BATCH), 9) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]
    np.testing.assert_array_equal(source.labels, np.arange(ROWS) % 3)
    x, y = source.arrays()
    np.testing.assert_array_equal(x[:, 0, 0, 0], range(ROWS))
    np.testing.assert_array_equal(y, source.labels)


def test_take_is_a_shorter_stream(source):
    assert rows(source.take(5).ordered(BATCH), 9) == [[0, 1, 2, 3], [4]]
    assert len(source.take(100)) == ROWS


def test_rows_cannot_be_picked(source):
    for call in (source.images, source.subset):
        with pytest.raises(ValueError, match="'river' is a stream: rows cannot be picked"):
            call([0])
    with pytest.raises(ValueError, match="at most the 11 pictures"):
        source.batches(12)


def test_without_labels():
    examples = tf.data.Dataset.from_tensors({"x": tf.io.encode_png(np.zeros((3, 2, 1), "uint8"))})
    source = StreamSource(examples, 1, (3, 2, 1), name="drop")
    assert source.labels is None
    assert source.arrays()[1] is None
