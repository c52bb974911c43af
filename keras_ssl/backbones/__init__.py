"""What keras-hub and keras-cv lack: a network for small pictures, pooled encoders, and ways into their backbones."""

from keras_ssl.backbones.partly_placed import partly_placed, position_embedding_of
from keras_ssl.backbones.pooling import backbone_of, pool, pool_tokens
from keras_ssl.backbones.small_image_resnet import small_image_resnet
from keras_ssl.backbones.text_encoder import is_encoder_decoder, text_encoder
from keras_ssl.backbones.two_stream_xlnet import TwoStreamXLNet

__all__ = [
    "TwoStreamXLNet",
    "backbone_of",
    "is_encoder_decoder",
    "partly_placed",
    "pool",
    "pool_tokens",
    "position_embedding_of",
    "small_image_resnet",
    "text_encoder",
]
