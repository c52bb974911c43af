"""From a trained encoder to what is served without Python, and the proof that it runs there.

The examples and Keras's own outputs travel with the export, so that any machine can check it later.
"""

from keras_ssl.serving.export_encoder import export_encoder
from keras_ssl.serving.export_text_encoder import export_text_encoder
from keras_ssl.serving.lite import LiteEncoder, export_lite
from keras_ssl.serving.onnx import export_onnx, load_onnx
from keras_ssl.serving.verify import verify
from keras_ssl.serving.versions import versions
from keras_ssl.serving.warmup import write_warmup_requests

__all__ = [
    "LiteEncoder",
    "export_encoder",
    "export_lite",
    "export_onnx",
    "export_text_encoder",
    "load_onnx",
    "verify",
    "versions",
    "write_warmup_requests",
]
