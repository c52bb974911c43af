"""Objectives: what an encoder learns from, by method. Each is one file over one base."""

from keras_ssl.objectives.base import SelfSupervisedModel
from keras_ssl.objectives.clustering.deep_cluster_v2 import DeepClusterV2
from keras_ssl.objectives.clustering.swav import SwAV
from keras_ssl.objectives.contrastive.dcl import DCL
from keras_ssl.objectives.contrastive.moco import MoCo
from keras_ssl.objectives.contrastive.moco_v3 import MoCoV3
from keras_ssl.objectives.contrastive.nnclr import NNCLR
from keras_ssl.objectives.contrastive.npid import NPID
from keras_ssl.objectives.contrastive.ressl import ReSSL
from keras_ssl.objectives.contrastive.sim_cse import SimCSE
from keras_ssl.objectives.contrastive.simclr import SimCLR
from keras_ssl.objectives.contrastive.sup_con import SupCon
from keras_ssl.objectives.distillation.byol import BYOL
from keras_ssl.objectives.distillation.dino import DINO
from keras_ssl.objectives.distillation.sim_siam import SimSiam
from keras_ssl.objectives.generative.tsdae import TSDAE
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel
from keras_ssl.objectives.masked.bert_pretraining import BERTPretraining
from keras_ssl.objectives.masked.masked_lm import MaskedLM
from keras_ssl.objectives.masked.replaced_token_detection import ReplacedTokenDetection
from keras_ssl.objectives.masked.span_corruption import SpanCorruption
from keras_ssl.objectives.masked.text_infilling import TextInfilling
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel
from keras_ssl.objectives.predictive.causal_lm import CausalLM
from keras_ssl.objectives.predictive.permutation_lm import PermutationLM
from keras_ssl.objectives.predictive.word_order import WordOrder
from keras_ssl.objectives.redundancy.barlow_twins import BarlowTwins
from keras_ssl.objectives.redundancy.lejepa import LeJEPA
from keras_ssl.objectives.redundancy.tico import TiCo
from keras_ssl.objectives.redundancy.vicreg import VICReg
from keras_ssl.objectives.redundancy.wmse import WMSE
from keras_ssl.objectives.sequence_to_sequence_model import SequenceToSequenceModel
from keras_ssl.objectives.token_model import TokenModel

__all__ = [
    "BYOL",
    "DCL",
    "DINO",
    "NNCLR",
    "NPID",
    "TSDAE",
    "WMSE",
    "BERTPretraining",
    "BarlowTwins",
    "CausalLM",
    "DeepClusterV2",
    "JointEmbeddingModel",
    "LeJEPA",
    "MaskedLM",
    "MoCo",
    "MoCoV3",
    "MomentumTeacherModel",
    "PermutationLM",
    "ReSSL",
    "ReplacedTokenDetection",
    "SelfSupervisedModel",
    "SequenceToSequenceModel",
    "SimCLR",
    "SimCSE",
    "SimSiam",
    "SpanCorruption",
    "SupCon",
    "SwAV",
    "TextInfilling",
    "TiCo",
    "TokenModel",
    "VICReg",
    "WordOrder",
]
