"""Pictures to learn from: named sets, folders and arrays, all with random access.

from keras_ssl import data

source = data.load("fashion_mnist_sample")
model.fit(source, batch_size=256, epochs=10)
"""

from keras_ssl.data.array_source import ArraySource
from keras_ssl.data.folder_source import FolderSource
from keras_ssl.data.loading import load, names
from keras_ssl.data.record_source import RecordSource
from keras_ssl.data.source import Source
from keras_ssl.data.stream_source import StreamSource

__all__ = ["ArraySource", "FolderSource", "RecordSource", "Source", "StreamSource", "load", "names"]
