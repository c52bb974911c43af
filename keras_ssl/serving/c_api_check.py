"""Runs an exported encoder through TensorFlow's C API, without TensorFlow's Python, and compares with Keras.

    python keras_ssl/serving/c_api_check.py DIRECTORY [--tolerance T]

`DIRECTORY` is one version folder made by `keras_ssl.serving.export_encoder` or `export_text_encoder`; each of its
signatures is run on the examples that it carries. The program needs NumPy and the shared libraries of the TensorFlow
wheel, for texts those of the tensorflow_text wheel that the export names, too. It imports neither TensorFlow nor Keras
nor `keras_ssl`: what it loads and runs is what a server in C++ loads and runs. It prints one JSON object. The exit
code is 0 where the numbers agree, and 1 where they do not or the export cannot be run; the object then holds the
reason as `error`.
"""

import argparse
import collections
import contextlib
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
OP_LIBRARIES_FILE = pathlib.Path("assets.extra", "op_libraries.json")

# TF_DataType of tf_datatype.h.
_DTYPES = {
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    9: "int64",
    10: "bool",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}
_DTYPE_NUMBERS = {name: number for number, name in _DTYPES.items()}
# sizeof(TF_TString): a string tensor is an array of these, and each owns its bytes.
_STRING_SIZE = 24
# TensorFlow's own, for what has to run before the first request.
_OWN_SIGNATURES = "__saved_model_"


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
    ("TF_DeleteStatus", None, _pointer),
    ("TF_GetCode", _int, _pointer),
    ("TF_Message", _text, _pointer),
    ("TF_LoadLibrary", _pointer, _text, _pointer),
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
    ("TF_StringInit", None, _pointer),
    ("TF_StringCopy", None, _pointer, _text, _size),
    (
        *("TF_SessionRun", None, _pointer, _pointer, _outputs, _pointers, _int, _outputs, _pointers, _int),
        *(_pointer, _int, _pointer, _pointer),
    ),
)


class Session:
    """A SavedModel loaded by the C API, whose signatures can be run from several threads at once.

    Args:
        directory: Path of a version folder.

    Attributes:
        signatures: dict as `read_signatures` gives it, without TensorFlow's own.

    Raises:
        RuntimeError: If the wheel's libraries are not there, or TensorFlow cannot load them or the SavedModel.
        ValueError: If a signature has other dtypes than known here, or names what is not in the graph.
    """

    def __init__(self, directory):
        self._library = _load_library()
        for path in op_libraries(directory):
            with self._status(f"TensorFlow cannot load {path}") as status:
                self._library.TF_LoadLibrary(str(path).encode(), status)
        self._graph = self._library.TF_NewGraph()
        meta_graph = self._library.TF_NewBuffer()
        with self._status(f"TensorFlow cannot load {directory}") as status:
            self._session = self._library.TF_LoadSessionFromSavedModel(
                self._library.TF_NewSessionOptions(),
                None,
                str(directory).encode(),
                (_text * 1)(b"serve"),
                1,
                self._graph,
                meta_graph,
                status,
            )
        found = read_signatures(ctypes.string_at(meta_graph.contents.data, meta_graph.contents.length))
        self._library.TF_DeleteBuffer(meta_graph)
        self.signatures = {name: sides for name, sides in found.items() if not name.startswith(_OWN_SIGNATURES)}
        self._places = {name: tuple(map(self._find, sides)) for name, sides in self.signatures.items()}

    @property
    def version(self):
        """The version of the C library."""
        return self._library.TF_Version().decode()

    def run(self, signature, inputs):
        """Runs the signature of that name: a dict of arrays by input name to a dict of arrays by output name."""
        sides, (fed_places, fetched_places) = self.signatures[signature], self._places[signature]
        fed, fetched = ((ctypes.c_void_p * len(side))() for side in sides)
        try:
            for place, name in enumerate(sides[0]):
                fed[place] = self._to_tensor(inputs[name])
            with self._status(f"TensorFlow cannot run {signature!r}") as status:
                self._library.TF_SessionRun(
                    *(self._session, None),
                    *(fed_places, fed, len(fed)),
                    *(fetched_places, fetched, len(fetched)),
                    *(None, 0, None, status),
                )
            return {name: self._to_array(tensor) for name, tensor in zip(sides[1], fetched, strict=True)}
        finally:
            # With a tensor go its strings. After an error there may be none.
            for tensor in filter(None, (*fed, *fetched)):
                self._library.TF_DeleteTensor(tensor)

    def _find(self, infos):
        """The `TF_Output` of each input, or each output, of a signature."""
        places = (_Output * len(infos))()
        for place, (name, info) in zip(places, infos.items(), strict=True):
            if info["dtype"] not in _DTYPE_NUMBERS:
                raise ValueError(f"{name!r} must be of one of {sorted(_DTYPE_NUMBERS)}. Received: {info['dtype']}")
            operation, _, index = info["tensor"].rpartition(":")
            place.operation = self._library.TF_GraphOperationByName(self._graph, operation.encode())
            place.index = int(index)
            if not place.operation:
                raise ValueError(f"The signature names a tensor that the graph does not have: {info['tensor']}")
        return places

    def _to_tensor(self, array):
        dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        is_string = array.dtype.kind == "S"
        dtype, size = ("string", _STRING_SIZE * array.size) if is_string else (str(array.dtype), array.nbytes)
        tensor = self._library.TF_AllocateTensor(_DTYPE_NUMBERS[dtype], dims, array.ndim, size)
        data = self._library.TF_TensorData(tensor)
        if is_string:
            for place, content in enumerate(array.ravel().tolist()):
                self._library.TF_StringInit(data + _STRING_SIZE * place)
                self._library.TF_StringCopy(data + _STRING_SIZE * place, content, len(content))
        else:
            ctypes.memmove(data, array.tobytes(), array.nbytes)
        return tensor

    def _to_array(self, tensor):
        shape = [self._library.TF_Dim(tensor, axis) for axis in range(self._library.TF_NumDims(tensor))]
        dtype = _DTYPES[self._library.TF_TensorType(tensor)]
        if dtype == "string":
            raise ValueError("The outputs must be numbers. Received: strings")
        data = ctypes.string_at(self._library.TF_TensorData(tensor), self._library.TF_TensorByteSize(tensor))
        return np.frombuffer(data, dtype).reshape(shape)

    @contextlib.contextmanager
    def _status(self, failure):
        """A `TF_Status` of the calling thread's own, and a RuntimeError if it holds an error at the end."""
        status = self._library.TF_NewStatus()
        try:
            yield status
            if self._library.TF_GetCode(status):
                message = self._library.TF_Message(status).decode(errors="replace")
                raise RuntimeError(f"{failure}: {' '.join(message.split())}")
        finally:
            self._library.TF_DeleteStatus(status)


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


def read_examples(directory):
    """The examples that an export carries, with Keras's numbers for them.

    Args:
        directory: Path of a version folder.

    Returns:
        Pair of a dict from signature name to a pair (inputs, outputs), dicts of arrays by name, and the metadata.

    Raises:
        ValueError: If the file is missing, damaged or empty.
    """
    path = directory / VERIFY_FILE
    _check_there(directory, VERIFY_FILE)
    examples = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        metadata = json.loads(str(arrays.pop("metadata")))
        for key, array in arrays.items():
            signature, side, name = key.split("/")
            examples.setdefault(signature, ({}, {}))[("inputs", "outputs").index(side)][name] = array
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not all(inputs for inputs, _ in examples.values()) or not examples:
        raise ValueError(f"{path} must hold inputs for each signature. Received: {sorted(arrays)}")
    return examples, metadata


def op_libraries(directory):
    """What has to be loaded before the export: paths of libraries in the installed tensorflow_text, often none.

    Args:
        directory: Path of a version folder.

    Returns:
        List of Paths.

    Raises:
        RuntimeError: If tensorflow_text is needed and not installed, or lacks a library.
        ValueError: If the file that names them is damaged.
    """
    listed = pathlib.Path(directory, OP_LIBRARIES_FILE)
    if not listed.is_file():
        return []
    try:
        names = list(json.loads(listed.read_text())["libraries"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{listed} is damaged: {error!r}") from error
    folder = op_library_folder()
    # Nothing but what the package brings: a path in the file could lead anywhere.
    missing = sorted(set(names) - {path.name for path in folder.iterdir()})
    if missing:
        raise RuntimeError(f"The installed tensorflow_text must bring what {listed} names. Received: no {missing}")
    return [folder / name for name in names]


def op_library_folder():
    """Path of the folder in which the installed tensorflow_text has its libraries.

    Raises:
        RuntimeError: If it is not installed.
    """
    package = importlib.util.find_spec("tensorflow_text")
    if package is None:
        raise RuntimeError("The export needs libraries of the `tensorflow-text` package, which is not installed.")
    return pathlib.Path(package.submodule_search_locations[0], "python", "ops")


def check(directory, tolerance=None):
    """Loads the export, runs every signature on the examples it carries, and compares with Keras's numbers.

    Args:
        directory: Path of a version folder.
        tolerance: float, or `None` for the one the export was made with.

    Returns:
        Dict with `signatures`, by name a dict of `inputs`, `outputs`, `examples`, `max_difference` and `run_seconds`;
        over all of them `examples` and `max_difference`; `tolerance`, `load_seconds`, `run_seconds`, `tensorflow_c`,
        `op_libraries` (names of the libraries of tensorflow_text that were loaded first).

    Raises:
        ValueError: If the export is damaged, or its numbers are not Keras's.
        RuntimeError: If TensorFlow cannot load or run it.
    """
    # TensorFlow takes a folder without this index for a model without variables.
    for part in ("saved_model.pb", "variables/variables.index"):
        _check_there(directory, part)
    # TensorFlow says only "Read less bytes than requested", not of which file.
    try:
        collections.deque(_fields((directory / "saved_model.pb").read_bytes()), maxlen=0)
    except ValueError as error:
        raise ValueError(f"{directory}/saved_model.pb is damaged: {error}") from error
    examples, metadata = read_examples(directory)
    tolerance = metadata["tolerance"] if tolerance is None else tolerance
    start = time.perf_counter()
    session = Session(directory)
    load_seconds = time.perf_counter() - start
    missing, untold = examples.keys() - session.signatures.keys(), session.signatures.keys() - examples.keys()
    if missing:
        raise ValueError(f"{directory} lacks the signatures {sorted(missing)}. Received: {sorted(session.signatures)}")
    if untold:
        raise ValueError(
            f"{directory / VERIFY_FILE} lacks examples of the signatures {sorted(untold)}. Received: {sorted(examples)}"
        )
    checked = {name: _check_signature(session, name, *sides, tolerance) for name, sides in examples.items()}
    return {
        "signatures": checked,
        "examples": sum(one["examples"] for one in checked.values()),
        "max_difference": max(one["max_difference"] for one in checked.values()),
        "tolerance": tolerance,
        "load_seconds": round(load_seconds, 3),
        "run_seconds": round(sum(one["run_seconds"] for one in checked.values()), 4),
        "tensorflow_c": session.version,
        "op_libraries": [path.name for path in op_libraries(directory)],
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


def _check_there(directory, part):
    if not (directory / part).is_file():
        raise ValueError(f"{directory} must hold {part}. Received: no such file")


def _check_signature(session, name, inputs, expected, tolerance):
    declared = session.signatures[name]
    if sorted(declared[0]) != sorted(inputs):
        raise ValueError(
            f"The inputs of {name!r} must be named as in {VERIFY_FILE}, {sorted(inputs)}. "
            f"Received: {sorted(declared[0])}"
        )
    start = time.perf_counter()
    outputs = session.run(name, inputs)
    run_seconds = time.perf_counter() - start
    try:
        difference = compare(outputs, expected, tolerance)
    except ValueError as error:
        raise ValueError(f"Signature {name!r}: {error}") from error
    return {
        "inputs": declared[0],
        "outputs": declared[1],
        "examples": len(next(iter(inputs.values()))),
        "max_difference": difference,
        "run_seconds": round(run_seconds, 4),
    }


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
