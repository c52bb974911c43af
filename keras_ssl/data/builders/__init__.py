"""Builders of tensorflow-datasets for the texts of `keras_ssl.data.packages`.

They are imported where they are used, since they import tensorflow-datasets. Importing one is enough for `tfds.load`,
as long as the files are where `Package.read` looks:

import tensorflow_datasets as tfds
from keras_ssl.data.builders import brown

sentences = tfds.data_source("brown", split="train")
"""
