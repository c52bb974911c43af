"""The libraries of tensorflow_text that a SavedModel cannot be loaded without."""

import importlib.metadata
import importlib.util
import json

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from keras_ssl.serving.c_api_check import OP_LIBRARIES_FILE, op_library_folder

# These call a function of the process that made them.
_PYTHON = {"EagerPyFunc", "PyFunc", "PyFuncStateless"}


def write_op_libraries(folder):
    """Writes which libraries must be loaded before the SavedModel; no file where TensorFlow alone will do.

    The file has JSON: `tensorflow_text`, the version of the package, and `libraries`, a dict of file name to the
    operations that the graph has from there.

    Args:
        folder: `pathlib.Path` of a version folder, with `saved_model.pb` and `assets.extra`.

    Raises:
        ValueError: If the graph has operations that call Python.
    """
    operations = _operations(folder / "saved_model.pb")
    if operations & _PYTHON:
        raise ValueError(
            "What is exported must be operations of TensorFlow alone, it must not call Python. "
            f"Received: {sorted(operations & _PYTHON)} in the graph"
        )
    foreign = operations - _known(tf.raw_ops, operations)
    if not foreign or importlib.util.find_spec("tensorflow_text") is None:
        return
    libraries = {}
    for path in sorted(op_library_folder().glob("*.so")):
        # One that is loaded already is not loaded again.
        used = sorted(_known(tf.load_op_library(str(path)), foreign))
        if used:
            libraries[path.name] = used
    described = {"tensorflow_text": importlib.metadata.version("tensorflow_text"), "libraries": libraries}
    (folder / OP_LIBRARIES_FILE).write_text(json.dumps(described, indent=2) + "\n")


def _known(module, operations):
    """Those of the operations that have a function in a module of TensorFlow, where "TFText>Op" is `TFText_Op`."""
    return {operation for operation in operations if hasattr(module, operation.replace(">", "_"))}


def _operations(path):
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    return {
        node.op
        for meta_graph in saved_model.meta_graphs
        for nodes in (meta_graph.graph_def.node, *(one.node_def for one in meta_graph.graph_def.library.function))
        for node in nodes
    }
