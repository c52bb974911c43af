"""The maths: one loss a file, a pure function of one replica's tensors."""

from keras_ssl.losses.barlow_twins import barlow_twins
from keras_ssl.losses.cosine import negative_cosine, normalize
from keras_ssl.losses.cross_entropy import cross_entropy
from keras_ssl.losses.decoupled_contrastive import (
    decoupled_contrastive,
    decoupled_contrastive_of_logits,
    von_mises_fisher_weights,
)
from keras_ssl.losses.dino import dino
from keras_ssl.losses.info_nce import info_nce, info_nce_logits
from keras_ssl.losses.koleo import koleo
from keras_ssl.losses.nce import nce, nce_normalizer
from keras_ssl.losses.nt_xent import nt_xent, nt_xent_logits, nt_xent_of_logits
from keras_ssl.losses.ressl import ressl
from keras_ssl.losses.sigreg import sigreg
from keras_ssl.losses.sinkhorn import sinkhorn
from keras_ssl.losses.supervised_contrastive import supervised_contrastive
from keras_ssl.losses.swav import swav
from keras_ssl.losses.tico import tico, tico_covariance
from keras_ssl.losses.token_cross_entropy import token_cross_entropy
from keras_ssl.losses.vicreg import vicreg, vicreg_terms
from keras_ssl.losses.wmse import wmse

__all__ = [
    "barlow_twins",
    "cross_entropy",
    "decoupled_contrastive",
    "decoupled_contrastive_of_logits",
    "dino",
    "info_nce",
    "info_nce_logits",
    "koleo",
    "nce",
    "nce_normalizer",
    "negative_cosine",
    "normalize",
    "nt_xent",
    "nt_xent_logits",
    "nt_xent_of_logits",
    "ressl",
    "sigreg",
    "sinkhorn",
    "supervised_contrastive",
    "swav",
    "tico",
    "tico_covariance",
    "token_cross_entropy",
    "vicreg",
    "vicreg_terms",
    "von_mises_fisher_weights",
    "wmse",
]
