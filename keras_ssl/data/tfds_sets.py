"""Image sets of tensorflow-datasets, by name."""

import difflib
import math
import re
import socket
import urllib.parse
import urllib.request
import warnings
from pathlib import Path

import numpy as np

from keras_ssl.data.array_source import ArraySource
from keras_ssl.data.record_source import RecordSource
from keras_ssl.data.splits import find_split
from keras_ssl.data.stream_source import StreamSource
from keras_ssl.decoding import checked_image_size

LARGEST_IN_MEMORY = 2_000_000_000  # bytes of decoded pixels


def load_tfds(name, split="train", *, image_size=None, data_dir=None, known=()):
    """An image set of tensorflow-datasets, downloaded and prepared the first time.

    What takes up to 2 GB when decoded is read into memory. A larger set is read from its files: with random access
    if they are in the array_record format, else as a stream, which a warning says.

    Args:
        name: str, `"cifar10"` or `"imagenette/160px"`.
        split: str, a split of the set, or a part of one, like `"train[:10%]"`; `"test"` is the validation split
            where there is no test split.
        image_size: `(height, width)`, needed if the pictures have no common size.
        data_dir: folder of prepared sets; that of tensorflow-datasets if None.
        known: other names, to suggest if this one is unknown.

    Returns:
        `ArraySource`, `RecordSource` or `StreamSource`.

    Raises:
        ValueError: If the set or split is unknown, if it cannot be had or holds no pictures, or if `image_size` is
            needed.
    """
    builder = open_builder(name, data_dir, known)
    prepare(builder, name)
    image_key, label_key = _keys(builder.info, name)
    split = split_of(split, builder.info.splits, name)
    image_shape = _image_shape(builder.info.features[image_key], image_size, name)
    source = _from_files(builder, name, split, image_key, label_key, image_shape)
    if len(source) * math.prod(image_shape) <= LARGEST_IN_MEMORY:
        return ArraySource(*source.arrays(), name=name, classes=source.classes)
    if isinstance(source, StreamSource):
        warnings.warn(
            f"{name!r} is too large for memory and not in the array_record format: it is read in the order of its "
            'files, the same in each epoch; for a random order prepare it with file_format="array_record"',
            stacklevel=3,
        )
    return source


def open_builder(name, data_dir, known, listing="keras_ssl.data.names()"):
    """The builder of a set; what is unknown is told with the nearest names.

    Args:
        name: str.
        data_dir: folder of prepared sets; that of tensorflow-datasets if None.
        known: other names, to suggest if this one is unknown.
        listing: str, what messages say to look at for all names.

    Raises:
        ValueError: If the set or its configuration is unknown.
    """
    import tensorflow_datasets as tfds

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.DatasetNotFoundError as error:
        names = [*known, *tfds.list_builders(with_community_datasets=False)]
        raise ValueError(
            f"`data` must be the name of a data set, a path that exists, or arrays; {_nearest(name, names, listing)}. "
            f"Received: data={name!r}"
        ) from error
    except ValueError as error:  # The set is known; its configuration or version is not.
        base, _, rest = name.partition("/")
        configs = [f"{base}/{config}" for config in tfds.builder_cls(base).builder_configs]
        raise ValueError(
            f"`data` names {base!r} of tensorflow-datasets, but {rest!r} is none of its configurations; "
            f"{_nearest(name, configs, listing)}. Received: data={name!r}"
        ) from error


def _nearest(name, names, listing):
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"the nearest names are {', '.join(near)}" if near else f"see {listing}"


def prepare(builder, name, listing="keras_ssl.data.names()"):
    """Downloads and prepares a set, unless that is done.

    Args:
        builder: builder of tensorflow-datasets.
        name: str, what messages call the set.
        listing: str, what messages say to look at for other sets.

    Raises:
        ValueError: If it cannot be had, whatever the reason.
    """
    if builder.is_prepared():
        return
    try:
        _check_online(builder)
        builder.download_and_prepare()
    except ImportError as error:
        raise ValueError(f"{name!r} cannot be prepared: {error}. Install that package and try again") from error
    # Whatever stops a download, and much can, is one line for the user; the cause stays attached to it.
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        raise ValueError(
            f"{name!r} is not in {str(builder.data_path)!r}, and could not be downloaded or prepared "
            f"({type(error).__name__}: {reason}). Prepare it where there is a network and copy that folder here, or "
            f"take a set that needs none: {listing}"
        ) from error


def _check_online(builder):
    """Fails at once where tensorflow-datasets would retry for minutes: no host of the set can be found."""
    hosts = sorted({urllib.parse.urlsplit(url).hostname for url in builder.url_infos or {}} - {None})
    downloads = Path(builder.data_path).parents[builder.info.full_name.count("/")] / "downloads"
    if not hosts or urllib.request.getproxies() or any(downloads.rglob("*.INFO")):
        return
    if not any(_is_found(host) for host in hosts):
        raise ConnectionError(f"no network: {', '.join(hosts)} cannot be found")


def _is_found(host):
    try:
        return bool(socket.getaddrinfo(host, 443))
    except socket.gaierror:
        return False


def _keys(info, name):
    """The names of the picture and of its label, or None, in an example."""
    import tensorflow_datasets as tfds

    features = info.features
    plain = isinstance(features, tfds.features.FeaturesDict)
    images = [key for key in features if isinstance(features[key], tfds.features.Image)] if plain else []
    supervised = [key for key in info.supervised_keys or () if isinstance(key, str)]
    images = [key for key in images if key in supervised] or images
    if not images or features[images[0]].np_dtype != np.uint8:
        raise ValueError(f"`data` must name a set of 8-bit pictures. Received: data={name!r}, with {list(features)}")
    return images[0], only_label(info)


def only_label(info):
    """The name of the label in an example, the supervised one if there are several; None if that is not clear."""
    import tensorflow_datasets as tfds

    labels = [key for key, feature in info.features.items() if isinstance(feature, tfds.features.ClassLabel)]
    labels = [key for key in labels if key in (info.supervised_keys or ())] or labels
    return labels[0] if len(labels) == 1 else None


def split_of(split, splits, name):
    """The split, with the part in brackets that tensorflow-datasets understands."""
    base, part = re.fullmatch(r"([^\[]*)(.*)", split).groups()
    return find_split(base, list(splits), name) + part


def _image_shape(feature, image_size, name):
    height, width, channels = feature.shape
    if image_size is not None:
        height, width = checked_image_size(image_size)
    if height is None or width is None:
        raise ValueError(f"`image_size` must be (height, width): sizes differ in {name!r}. Received: image_size=None")
    return height, width, 1 if channels == 1 else 3


def _from_files(builder, name, split, image_key, label_key, image_shape):
    import tensorflow_datasets as tfds

    keys = {"x": image_key} | ({"y": label_key} if label_key else {})
    classes = tuple(builder.info.features[label_key].names or ()) or None if label_key else None
    only_these = tfds.decode.PartialDecoding(
        dict.fromkeys(keys.values(), True), {image_key: tfds.decode.SkipDecoding()}
    )

    def renamed(example):
        return {new: example[old] for new, old in keys.items()}

    if builder.info.file_format.value == "array_record":
        raw = builder.as_data_source(split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES)
        features = only_these.extract_features(builder.info.features)

        def parse(record):
            return renamed(features.deserialize_example(record, decoders=only_these.decoders))

        return RecordSource(raw, parse, image_shape, name=name, classes=classes)

    examples = builder.as_dataset(
        split, shuffle_files=False, decoders=only_these, read_config=tfds.ReadConfig(try_autocache=False)
    )
    length = builder.info.splits[split].num_examples
    return StreamSource(examples.map(renamed), length, image_shape, name=name, classes=classes)
