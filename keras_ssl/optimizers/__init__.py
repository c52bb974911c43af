"""Optimizers that self-supervised learning uses and Keras does not have."""

from keras_ssl.optimizers.lars import LARS, one_dimensional

__all__ = ["LARS", "one_dimensional"]
