"""Objectives: what an encoder learns from, by method. Each is one file over one base."""

from keras_ssl.objectives.base import SelfSupervisedModel
from keras_ssl.objectives.contrastive.simclr import SimCLR
from keras_ssl.objectives.distillation.byol import BYOL
from keras_ssl.objectives.joint_embedding import JointEmbeddingModel
from keras_ssl.objectives.momentum_teacher_model import MomentumTeacherModel

__all__ = ["BYOL", "JointEmbeddingModel", "MomentumTeacherModel", "SelfSupervisedModel", "SimCLR"]
