"""Optimizers that self-supervised learning uses and Keras does not have."""

from keras_ssl.optimizers.adamw_on_matrices import AdamWOnMatrices
from keras_ssl.optimizers.clipped_lars import ClippedLARS
from keras_ssl.optimizers.coupled_sgd import CoupledSGD
from keras_ssl.optimizers.lars import LARS, one_dimensional

__all__ = ["LARS", "AdamWOnMatrices", "ClippedLARS", "CoupledSGD", "one_dimensional"]
