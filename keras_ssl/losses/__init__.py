"""The maths: one loss a file, a pure function of one replica's tensors."""

from keras_ssl.losses.cosine import negative_cosine, normalize
from keras_ssl.losses.nt_xent import nt_xent, nt_xent_logits, nt_xent_of_logits

__all__ = ["negative_cosine", "normalize", "nt_xent", "nt_xent_logits", "nt_xent_of_logits"]
