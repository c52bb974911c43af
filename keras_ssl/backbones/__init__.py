"""What keras-hub and keras-cv lack: a network for small pictures, pooled encoders, and ways into their backbones."""

from keras_ssl.backbones.built_as_bert import transformer_layers_of
from keras_ssl.backbones.partly_placed import partly_placed, position_embedding_of
from keras_ssl.backbones.pooling import backbone_of, pool, pool_tokens
from keras_ssl.backbones.small_image_resnet import small_image_resnet
from keras_ssl.backbones.t5_embeddings import has_equal_embeddings, redraw_equal_embeddings
from keras_ssl.backbones.text_encoder import is_encoder_decoder, text_encoder
from keras_ssl.backbones.two_stream_xlnet import TwoStreamXLNet, is_xlnet
from keras_ssl.backbones.vector_decoder import VectorDecoder

__all__ = [
    "TwoStreamXLNet",
    "VectorDecoder",
    "backbone_of",
    "has_equal_embeddings",
    "is_encoder_decoder",
    "is_xlnet",
    "partly_placed",
    "pool",
    "pool_tokens",
    "position_embedding_of",
    "redraw_equal_embeddings",
    "small_image_resnet",
    "text_encoder",
    "transformer_layers_of",
]
