"""What keras-hub and keras-cv lack: a network for small pictures, and pooled encoders from their backbones."""

from keras_ssl.backbones.pooling import backbone_of, pool, pool_tokens
from keras_ssl.backbones.small_image_resnet import small_image_resnet

__all__ = ["backbone_of", "pool", "pool_tokens", "small_image_resnet"]
