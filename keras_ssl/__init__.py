"""Self-supervised learning for Keras 3 and TensorFlow."""
