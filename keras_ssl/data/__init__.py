"""Pictures and texts to learn from: named sets, folders, files and arrays, all with random access.

from keras_ssl import data

source = data.load("fashion_mnist_sample")
model.fit(source, batch_size=256, epochs=10)
"""

from keras_ssl.data.array_source import ArraySource
from keras_ssl.data.fast_tokenizer import fast_tokenizer
from keras_ssl.data.folder_source import FolderSource
from keras_ssl.data.loading import load, names
from keras_ssl.data.packed_source import PackedSource
from keras_ssl.data.pair_source import PairSource
from keras_ssl.data.picture_source import PictureSource
from keras_ssl.data.record_source import RecordSource
from keras_ssl.data.segment_pairs import SegmentPairs
from keras_ssl.data.source import Source
from keras_ssl.data.stream_source import StreamSource
from keras_ssl.data.tagged_source import TaggedSource
from keras_ssl.data.text_loading import load_tagged, load_text, text_names
from keras_ssl.data.text_source import TextSource
from keras_ssl.data.token_pairs import TokenPairs
from keras_ssl.data.token_source import TokenSource
from keras_ssl.data.tokenize import tokenize
from keras_ssl.data.vocabulary import train_vocabulary

__all__ = [
    "ArraySource",
    "FolderSource",
    "PackedSource",
    "PairSource",
    "PictureSource",
    "RecordSource",
    "SegmentPairs",
    "Source",
    "StreamSource",
    "TaggedSource",
    "TextSource",
    "TokenPairs",
    "TokenSource",
    "fast_tokenizer",
    "load",
    "load_tagged",
    "load_text",
    "names",
    "text_names",
    "tokenize",
    "train_vocabulary",
]
