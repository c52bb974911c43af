import numpy as np
import pytest
from tensorflow.core.protobuf import meta_graph_pb2

from keras_ssl.serving import c_api_check


def test_signatures_are_read_as_protobuf_reads_them():
    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.graph_def.versions.producer = 1 << 30
    signature = meta_graph.signature_def["serving_default"]
    signature.method_name = "tensorflow/serving/predict"
    info = signature.inputs["images"]
    info.name, info.dtype = "serving_default_images:0", 4
    for size in (-1, 300, 0):
        info.tensor_shape.dim.add(size=size)
    info = signature.outputs["embedding"]
    info.name, info.dtype, info.tensor_shape.unknown_rank = "call:1", 1, True
    meta_graph.signature_def["other"].outputs["op"].name = "NoOp"
    signatures = c_api_check.read_signatures(meta_graph.SerializeToString())
    assert signatures["serving_default"] == (
        {"images": {"tensor": "serving_default_images:0", "dtype": "uint8", "shape": [None, 300, 0]}},
        {"embedding": {"tensor": "call:1", "dtype": "float32", "shape": None}},
    )
    assert signatures["other"][1]["op"]["dtype"] == "TF_DataType 0"


@pytest.mark.parametrize("kept", [1, 5, 20])
def test_a_message_cut_short_is_refused(kept):
    meta_graph = meta_graph_pb2.MetaGraphDef()
    meta_graph.signature_def["serving_default"].inputs["images"].name = "images:0"
    with pytest.raises(ValueError, match="A protocol buffer ends in the middle"):
        c_api_check.read_signatures(meta_graph.SerializeToString()[:kept])


def test_the_tolerance_is_a_share_of_large_numbers():
    wanted = {"embedding": np.array([[1000.0, 0.5]])}
    close = {"embedding": np.array([[1000.05, 0.5]])}
    assert c_api_check.compare(close, wanted, 1e-4) == pytest.approx(0.05)
    with pytest.raises(ValueError, match=r"to a tolerance of 1e-05. Received: largest difference 0.05"):
        c_api_check.compare(close, wanted, 1e-5)
    # Below 1 it is absolute.
    assert c_api_check.compare({"z": np.array([0.00105])}, {"z": np.array([0.001])}, 1e-4) > 0


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"embedding": np.array([[np.nan, 0.0]])}, "largest difference nan"),
        ({"embedding": np.zeros((2, 1))}, r"must have shape \(1, 2\). Received: shape \(2, 1\)"),
        ({"output_0": np.zeros((1, 2))}, r"must be named \['embedding'\]. Received: \['output_0'\]"),
    ],
)
def test_differences_of_any_kind_are_refused(outputs, message):
    with pytest.raises(ValueError, match=message):
        c_api_check.compare(outputs, {"embedding": np.zeros((1, 2))}, 1e-4)
