"""From a trained encoder to a SavedModel that is served without Python, and the proof that it runs there.

The examples and Keras's own outputs travel with the export, so that any machine can check it later.
"""

from keras_ssl.serving.export_encoder import export_encoder
from keras_ssl.serving.verify import verify
from keras_ssl.serving.versions import versions

__all__ = ["export_encoder", "verify", "versions"]
