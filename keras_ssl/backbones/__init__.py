"""What keras-hub and keras-cv lack: a network for small pictures, pooled encoders, and ways into their backbones."""

from keras_ssl.backbones.partly_placed import partly_placed, position_embedding_of
from keras_ssl.backbones.pooling import backbone_of, pool, pool_tokens
from keras_ssl.backbones.small_image_resnet import small_image_resnet
from keras_ssl.backbones.t5_embeddings import has_equal_embeddings, redraw_equal_embeddings
from keras_ssl.backbones.text_encoder import is_encoder_decoder, text_encoder
from keras_ssl.backbones.two_stream_xlnet import TwoStreamXLNet

__all__ = [
    "TwoStreamXLNet",
    "backbone_of",
    "has_equal_embeddings",
    "is_encoder_decoder",
    "partly_placed",
    "pool",
    "pool_tokens",
    "position_embedding_of",
    "redraw_equal_embeddings",
    "small_image_resnet",
    "text_encoder",
]
