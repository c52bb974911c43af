"""Optimizers that self-supervised learning uses and Keras does not have."""

from keras_ssl.optimizers.coupled_sgd import CoupledSGD
from keras_ssl.optimizers.lars import LARS, one_dimensional
from keras_ssl.optimizers.step_decay import StepDecay

__all__ = ["LARS", "CoupledSGD", "StepDecay", "one_dimensional"]
