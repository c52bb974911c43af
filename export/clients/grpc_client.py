"""Asks TF Serving for embeddings over gRPC. Needs grpcio, protobuf and NumPy, not TensorFlow.

    python grpc_client.py photo.jpg other.png    # encoded pictures, signature from_bytes
    python grpc_client.py --pixels pixels.npy    # array (pictures, height, width, channels), serving_default
    python grpc_client.py --model encoder_strings --texts "A cat." "Zwei Hunde."    # a text encoder, serving_default

It prints one JSON object on one line. The exit code is 0, or 1 where the object holds an `error`.
"""

import argparse
import json
import pathlib
import sys
import time

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# The fields used here of TF Serving's predict.proto and model.proto and of TensorFlow's tensor.proto, as (name, number,
# type, repeated). tensorflow-serving-api has them all, but importing it imports the whole of TensorFlow. On the wire
# only numbers and types count: an enum is an int32, a map repeated pairs of key and value.
_MESSAGES = {
    "Dim": [("size", 1, "int64", False)],
    "TensorShape": [("dim", 2, "Dim", True)],
    "Tensor": [
        ("dtype", 1, "int32", False),
        ("tensor_shape", 2, "TensorShape", False),
        ("tensor_content", 4, "bytes", False),
        ("float_val", 5, "float", True),
        ("string_val", 8, "bytes", True),
    ],
    "NamedTensor": [("key", 1, "string", False), ("value", 2, "Tensor", False)],
    "Version": [("value", 1, "int64", False)],
    "ModelSpec": [
        ("name", 1, "string", False),
        ("version", 2, "Version", False),
        ("signature_name", 3, "string", False),
        ("version_label", 4, "string", False),
    ],
    "PredictRequest": [("model_spec", 1, "ModelSpec", False), ("inputs", 2, "NamedTensor", True)],
    "PredictResponse": [("outputs", 1, "NamedTensor", True), ("model_spec", 2, "ModelSpec", False)],
}
_METHOD = "/tensorflow.serving.PredictionService/Predict"
# DataType of TensorFlow's types.proto.
_DTYPES = {"float32": 1, "uint8": 4}
_STRING = 7


class ServingError(RuntimeError):
    """The server refused the request, or did not answer in time."""


class GrpcClient:
    """A served encoder behind TF Serving's gRPC interface.

    Args:
        address: str, host and port.
        model: str, name of the model.
        label: str, `"stable"` or `"canary"` for instance; `None` for the newest version that is loaded.
        timeout: float, seconds that one request may take.
        batch_size: int, pictures or texts in one request, at most the server's `max_batch_size`.

    Attributes:
        version: int, the version that gave the last answer.
    """

    def __init__(self, address="localhost:8500", model="encoder", label=None, timeout=10.0, batch_size=32):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be 1 or more. Received: batch_size={batch_size}")
        self.address, self.model, self.label = address, model, label
        self.timeout, self.batch_size = timeout, batch_size
        self.version = None
        self._messages = _message_classes()
        # By default a client takes no answer above 4 MiB; the server takes requests of up to 2 GiB.
        self._channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
        self._predict = self._channel.unary_unary(
            _METHOD,
            request_serializer=self._messages["PredictRequest"].SerializeToString,
            response_deserializer=self._messages["PredictResponse"].FromString,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()

    def embed_pixels(self, images):
        """Embeddings of raw pixels from 0 to 255: array of shape (pictures, height, width, channels).

        The server takes one dtype alone, the one that the signature declares: float32, or uint8 if exported so.
        """
        images = np.asarray(images)
        if str(images.dtype) not in _DTYPES:
            raise ValueError(f"`images` must be of one of the dtypes {list(_DTYPES)}. Received: {images.dtype}")

        def tensor(rows):
            return {"dtype": _DTYPES[str(images.dtype)], "tensor_content": rows.tobytes()}, rows.shape

        return self._embed("serving_default", "images", images, tensor)

    def embed_files(self, pictures):
        """Embeddings of encoded pictures: a list of `bytes`, each the content of a JPEG or PNG file."""
        return self._embed_strings("from_bytes", "image_bytes", pictures)

    def embed_texts(self, texts):
        """Embeddings of texts, by the model with the tokenizer inside: a list of `str`."""
        return self._embed_strings("serving_default", "texts", [text.encode() for text in texts])

    def _embed_strings(self, signature, name, strings):
        return self._embed(signature, name, strings, lambda rows: ({"dtype": _STRING, "string_val": rows}, [len(rows)]))

    def _embed(self, signature, name, rows, tensor):
        if not len(rows):
            raise ValueError("Give one picture or more, or texts. Received: none")
        embeddings = []
        for start in range(0, len(rows), self.batch_size):
            values, shape = tensor(rows[start : start + self.batch_size])
            request = self._messages["PredictRequest"]()
            request.model_spec.name = self.model
            request.model_spec.signature_name = signature
            if self.label is not None:
                request.model_spec.version_label = self.label
            value = request.inputs.add(key=name).value
            value.MergeFrom(self._messages["Tensor"](**values))
            for size in shape:
                value.tensor_shape.dim.add(size=size)
            embeddings.append(self._ask(request))
        return np.concatenate(embeddings)

    def _ask(self, request):
        try:
            response = self._predict(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise ServingError(f"{self.address} answered {error.code().name}: {error.details()}") from error
        self.version = response.model_spec.version.value
        outputs = {pair.key: pair.value for pair in response.outputs}
        if "embedding" not in outputs or outputs["embedding"].dtype != _DTYPES["float32"]:
            raise ServingError(f"{self.address} must give an `embedding` of float32. Received: {sorted(outputs)}")
        output = outputs["embedding"]
        # The server sends fields; raw bytes are allowed as well.
        values = np.frombuffer(output.tensor_content, "<f4") if output.tensor_content else output.float_val
        return np.array(values, "float32").reshape([dim.size for dim in output.tensor_shape.dim])


def _message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="predict.proto", package="client", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if kind in _MESSAGES:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".client.{kind}"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    # A pool of its own, so that a program may import TensorFlow's messages as well.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"client.{name}")) for name in _MESSAGES}


def main():
    """Does what the command line says and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("pictures", nargs="*", default=[], type=pathlib.Path, help="JPEG or PNG files")
    what.add_argument("--pixels", type=pathlib.Path, help=".npy file of raw pixels")
    what.add_argument("--texts", nargs="+", metavar="TEXT", help="texts, for a text encoder")
    parser.add_argument("--address", default="localhost:8500", help="host and port of the server")
    parser.add_argument("--model", default="encoder", help="name of the model")
    parser.add_argument("--label", help="stable or canary, as models.config names them; without it the newest version")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds that one request may take")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures or texts in one request")
    arguments = parser.parse_args()
    start = time.perf_counter()
    try:
        with GrpcClient(
            arguments.address, arguments.model, arguments.label, arguments.timeout, arguments.batch_size
        ) as client:
            if arguments.pixels:
                embeddings = client.embed_pixels(np.load(arguments.pixels))
            elif arguments.texts:
                embeddings = client.embed_texts(arguments.texts)
            else:
                embeddings = client.embed_files([path.read_bytes() for path in arguments.pictures])
            result = {"model": arguments.model, "version": client.version, "label": arguments.label}
            result |= {"embeddings": embeddings.tolist(), "seconds": round(time.perf_counter() - start, 4)}
    except (ServingError, OSError, ValueError) as error:
        result = {"error": str(error)}
    print(json.dumps(result))
    return int("error" in result)


if __name__ == "__main__":
    sys.exit(main())
