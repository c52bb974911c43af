"""Runs an exported encoder through TensorFlow's C API, without TensorFlow's Python, and compares with Keras.

    python keras_ssl/serving/c_api_check.py DIRECTORY [--tolerance T]

`DIRECTORY` is one version folder made by `keras_ssl.serving.export_encoder`. The program needs NumPy and the shared
libraries of the TensorFlow wheel, and imports neither TensorFlow nor Keras nor `keras_ssl`: what it loads and runs is
what a server in C++ loads and runs. It prints one JSON object. The exit code is 0 where the numbers agree, and 1
where they do not or the export cannot be run; the object then holds the reason as `error`.
"""

import argparse
import collections
import ctypes
import importlib.util
import json
import pathlib
import sys
import time
import zipfile
import zlib

import numpy as np

VERIFY_FILE = pathlib.Path("assets.extra", "verify.npz")
SIGNATURE = "serving_default"

# TF_DataType of tf_datatype.h. Strings are not flat arrays of bytes, so they would need tensors of their own kind.
_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    10: "bool",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
_DTYPE_NUMBERS = {name: number for number, name in _DTYPES.items()}


class _Output(ctypes.Structure):
    """`TF_Output`: one of the outputs of an operation in a graph."""

    _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


class _Buffer(ctypes.Structure):
    """`TF_Buffer`: bytes that TensorFlow owns."""

    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t), ("deallocator", ctypes.c_void_p)]


_pointer, _text, _int, _size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_outputs, _dims = ctypes.POINTER(_Output), ctypes.POINTER(ctypes.c_int64)
_buffer, _pointers = ctypes.POINTER(_Buffer), ctypes.POINTER(ctypes.c_void_p)
# Without its types ctypes would cut every pointer to 32 bits. Each row: name, result, arguments.
_FUNCTIONS = (
    ("TF_Version", _text),
    ("TF_NewStatus", _pointer),
    ("TF_GetCode", _int, _pointer),
    ("TF_Message", _text, _pointer),
    ("TF_NewGraph", _pointer),
    ("TF_NewBuffer", _buffer),
    ("TF_DeleteBuffer", None, _buffer),
    ("TF_NewSessionOptions", _pointer),
    (
        *("TF_LoadSessionFromSavedModel", _pointer, _pointer, _pointer, _text, ctypes.POINTER(_text), _int),
        *(_pointer, _buffer, _pointer),
    ),
    ("TF_GraphOperationByName", _pointer, _pointer, _text),
    ("TF_AllocateTensor", _pointer, _int, _dims, _int, _size),
    ("TF_DeleteTensor", None, _pointer),
    ("TF_TensorType", _int, _pointer),
    ("TF_NumDims", _int, _pointer),
    ("TF_Dim", ctypes.c_int64, _pointer, _int),
    ("TF_TensorData", _pointer, _pointer),
    ("TF_TensorByteSize", _size, _pointer),
    (
        *("TF_SessionRun", None, _pointer, _pointer, _outputs, _pointers, _int, _outputs, _pointers, _int),
        *(_pointer, _int, _pointer, _pointer),
    ),
)


class Session:
    """A SavedModel loaded by the C API: its serving signature, and a call that runs it.

    Args:
        directory: Path of a version folder.

    Raises:
        RuntimeError: If the wheel's libraries are not there, or TensorFlow cannot load the SavedModel.
        ValueError: If the SavedModel has no signature `serving_default`, or one of other dtypes than known here.
    """

    def __init__(self, directory):
        self._library = _load_library()
        self._status = self._library.TF_NewStatus()
        self._graph = self._library.TF_NewGraph()
        meta_graph = self._library.TF_NewBuffer()
        self._session = self._library.TF_LoadSessionFromSavedModel(
            self._library.TF_NewSessionOptions(),
            None,
            str(directory).encode(),
            (_text * 1)(b"serve"),
            1,
            self._graph,
            meta_graph,
            self._status,
        )
        self._check(f"TensorFlow cannot load {directory}")
        signatures = read_signatures(ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length))
        self._library.TF_DeleteBuffer(meta_graph)
        if SIGNATURE not in signatures:
            raise ValueError(f"{directory} must have a signature {SIGNATURE!r}. Received: {sorted(signatures)}")
        self.inputs, self.outputs = signatures[SIGNATURE]
        for name, info in (self.inputs | self.outputs).items():
            if info["dtype"] not in _DTYPE_NUMBERS:
                raise ValueError(
                    f"{name!r} of {directory} must be of one of {sorted(_DTYPE_NUMBERS)}. Received: {info['dtype']}"
                )

    @property
    def version(self):
        """The version of the C library."""
        return self._library.TF_Version().decode()

    def __call__(self, inputs):
        """Runs the signature: a dict of arrays by input name to a dict of arrays by output name."""
        fetched = (ctypes.c_void_p * len(self.outputs))()
        fed = (ctypes.c_void_p * len(self.inputs))()
        for place, name in enumerate(self.inputs):
            fed[place] = self._to_tensor(inputs[name])
        self._library.TF_SessionRun(
            *(self._session, None),
            *(self._places(self.inputs), fed, len(fed)),
            *(self._places(self.outputs), fetched, len(fetched)),
            *(None, 0, None, self._status),
        )
        self._check("TensorFlow cannot run the signature")
        arrays = {name: self._to_array(tensor) for name, tensor in zip(self.outputs, fetched, strict=True)}
        for tensor in (*fed, *fetched):
            self._library.TF_DeleteTensor(tensor)
        return arrays

    def _places(self, infos):
        places = (_Output * len(infos))()
        for place, info in zip(places, infos.values(), strict=True):
            operation, _, index = info["tensor"].rpartition(":")
            place.operation = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            place.index = int(index)
            if not place.operation:
                raise ValueError(f"The signature names a tensor that the graph does not have: {info['tensor']}")
        return places

    def _to_tensor(self, array):
        dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        tensor = self._library.TF_AllocateTensor(_DTYPE_NUMBERS[str(array.dtype)], dims, array.ndim, array.nbytes)
        ctypes.memmove(self._library.TF_TensorData(tensor), array.tobytes(), array.nbytes)
        return tensor

    def _to_array(self, tensor):
        shape = [self._library.TF_Dim(tensor, axis) for axis in range(self._library.TF_NumDims(tensor))]
        data = ctypes.string_at(self._library.TF_TensorData(tensor), self._library.TF_TensorByteSize(tensor))
        return np.frombuffer(data, _DTYPES[self._library.TF_TensorType(tensor)]).reshape(shape)

    def _check(self, failure):
        if self._library.TF_GetCode(self._status):
            message = self._library.TF_Message(self._status).decode(errors="replace")
            raise RuntimeError(f"{failure}: {' '.join(message.split())}")


def read_signatures(meta_graph):
    """Reads the signatures out of a serialized `MetaGraphDef`.

    Args:
        meta_graph: bytes.

    Returns:
        Dict of signature name to a pair (inputs, outputs): dicts of argument name to a dict of `tensor` (its name
        in the graph), `dtype` and `shape` (`None` where a dimension is free; `None` for any shape).
    """
    signatures = {}
    for number, entry in _fields(meta_graph):
        if number == 5:
            name, signature = _map_entry(entry)
            arguments = ({}, {})
            for part, argument in _fields(signature):
                if part in (1, 2):
                    key, info = _map_entry(argument)
                    arguments[part - 1][key] = _tensor_info(info)
            signatures[name] = arguments
    return signatures


def compare(outputs, expected, tolerance):
    """Largest absolute difference between two dicts of arrays, which must agree.

    Args:
        outputs: Dict of name to array.
        expected: Dict of name to array.
        tolerance: float, the largest difference allowed, for numbers above 1 a share of the largest of them.

    Returns:
        float.

    Raises:
        ValueError: If names, shapes or numbers differ.
    """
    if sorted(outputs) != sorted(expected):
        raise ValueError(f"The outputs must be named {sorted(expected)}. Received: {sorted(outputs)}")
    largest = 0.0
    for name, wanted in expected.items():
        if outputs[name].shape != wanted.shape:
            raise ValueError(f"`{name}` must have shape {wanted.shape}. Received: shape {outputs[name].shape}")
        wanted = wanted.astype("float64")
        difference = float(np.max(np.abs(outputs[name] - wanted), initial=0.0))
        # Written so that NaN fails.
        if not difference <= tolerance * max(1.0, float(np.max(np.abs(wanted), initial=0.0))):
            raise ValueError(
                f"`{name}` must equal what Keras gives, to a tolerance of {tolerance:g}. "
                f"Received: largest difference {difference:.3g}"
            )
        largest = max(largest, difference)
    return largest


def check(directory, tolerance=None):
    """Loads the export, runs the examples it carries, and compares with the numbers Keras gave for them.

    Args:
        directory: Path of a version folder.
        tolerance: float, or `None` for the one the export was made with.

    Returns:
        Dict with `signature`, `inputs`, `outputs`, `examples`, `max_difference`, `tolerance`, `load_seconds`,
        `run_seconds` and `tensorflow_c`.

    Raises:
        ValueError: If the export is damaged, or its numbers are not Keras's.
        RuntimeError: If TensorFlow cannot load or run it.
    """
    # TensorFlow takes a folder without this index for a model without variables.
    for part in ("saved_model.pb", "variables/variables.index", VERIFY_FILE):
        if not (directory / part).is_file():
            raise ValueError(f"{directory} must hold {part}. Received: no such file")
    # TensorFlow says only "Read less bytes than requested", not of which file.
    try:
        collections.deque(_fields((directory / "saved_model.pb").read_bytes()), maxlen=0)
    except ValueError as error:
        raise ValueError(f"{directory}/saved_model.pb is damaged: {error}") from error
    inputs, expected, metadata = _read_examples(directory / VERIFY_FILE)
    tolerance = metadata["tolerance"] if tolerance is None else tolerance
    start = time.perf_counter()
    session = Session(directory)
    loaded = time.perf_counter()
    if sorted(session.inputs) != sorted(inputs):
        raise ValueError(
            f"The inputs of {directory} must be named as in {VERIFY_FILE}, {sorted(inputs)}. "
            f"Received: {sorted(session.inputs)}"
        )
    outputs = session(inputs)
    finished = time.perf_counter()
    return {
        "signature": SIGNATURE,
        "inputs": session.inputs,
        "outputs": session.outputs,
        "examples": len(next(iter(inputs.values()))),
        "max_difference": compare(outputs, expected, tolerance),
        "tolerance": tolerance,
        "load_seconds": round(loaded - start, 3),
        "run_seconds": round(finished - loaded, 3),
        "tensorflow_c": session.version,
    }


def main():
    """Checks the folder named on the command line and prints the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=pathlib.Path, help="one version folder of an export")
    parser.add_argument("--tolerance", type=float, help="largest difference allowed; default: as exported")
    arguments = parser.parse_args()
    try:
        result = check(arguments.directory, arguments.tolerance)
    except (OSError, RuntimeError, ValueError) as error:
        result = {"error": str(error)}
    result["python_tensorflow"] = "tensorflow" in sys.modules
    if result["python_tensorflow"]:
        result["error"] = "This process must not import TensorFlow's Python; something in its start-up did."
    print(json.dumps(result))
    return int("error" in result)


def _read_examples(path):
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop("metadata")))
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    parts = {"inputs": {}, "outputs": {}}
    for key, array in arrays.items():
        part, _, name = key.partition("/")
        parts[part][name] = array
    return parts["inputs"], parts["outputs"], metadata


def _load_library():
    # Finding a package does not import it.
    package = importlib.util.find_spec("tensorflow")
    if package is None:
        raise RuntimeError("The C library comes with the `tensorflow` package, which is not installed.")
    folder = pathlib.Path(package.submodule_search_locations[0])
    for framework, whole in (
        ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"),
        ("libtensorflow_framework.2.dylib", "libtensorflow_cc.2.dylib"),
    ):
        if (folder / whole).is_file():
            ctypes.CDLL(str(folder / framework), mode=ctypes.RTLD_GLOBAL)
            library = ctypes.CDLL(str(folder / whole), mode=ctypes.RTLD_GLOBAL)
            break
    else:
        raise RuntimeError(f"The installed TensorFlow must bring its C library, libtensorflow_cc. Received: {folder}")
    for name, result, *arguments in _FUNCTIONS:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _tensor_info(message):
    fields = dict(_fields(message))
    dims, any_rank = [], False
    for number, value in _fields(fields.get(3, b"")):
        if number == 2:
            size = dict(_fields(value)).get(1, 0)
            # A varint holds -1, a free dimension, as 2**64 - 1.
            dims.append(None if size >= 2**63 else size)
        elif number == 3:
            any_rank = bool(value)
    return {
        "tensor": fields[1].decode(),
        # Other signatures, TensorFlow's own among them, may have what is not known here.
        "dtype": _DTYPES.get(fields.get(2, 0), f"TF_DataType {fields.get(2, 0)}"),
        "shape": None if any_rank else dims,
    }


def _map_entry(message):
    fields = dict(_fields(message))
    return fields.get(1, b"").decode(), fields.get(2, b"")


def _fields(message):
    """Yields (number, value) of each field of a serialized protocol buffer; nested messages stay bytes."""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 2, 5):
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                length, position = _varint(message, position)
            value = message[position : position + length]
            position += length
        else:
            raise ValueError(f"A protocol buffer must have wire types 0, 1, 2 and 5. Received: {kind}")
        if position > len(message):
            raise ValueError("A protocol buffer ends in the middle of a field.")
        yield number, value


def _varint(message, position):
    value = shift = 0
    while position < len(message):
        byte = message[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise ValueError("A protocol buffer ends in the middle of a number.")


if __name__ == "__main__":
    sys.exit(main())
