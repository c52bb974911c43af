"""Load on an export: threads that ask the C API, and the same load on a bare `tf.function`, in turns.

    python keras_ssl/serving/load_check.py c_api|tf_function DIRECTORY [--tolerance T]

starts one side. It reads lines `{"signature": ..., "seconds": ...}` on standard input, asks for that long, one row a
request, and answers each by one line of JSON. The side of the C API never imports TensorFlow's Python.
"""

import argparse
import array
import concurrent.futures
import contextlib
import importlib.util
import itertools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

THREADS = 8
MOST_MEMORY_GROWTH = 0.02
_SIDES = ("c_api", "tf_function")
_TURN_SECONDS = 2.5


def load_check(folder, seconds, tolerance=None):
    """Asks an export under load through the C API, beside a bare `tf.function` that holds the same encoder.

    Both run in processes of their own with as many threads of TensorFlow, and take turns of a few seconds, so that
    other work on the machine hits both alike. Before that each has a turn that is not counted. Each answer is
    compared with Keras's.

    Args:
        folder: Path of a version folder.
        seconds: float, how long each side is asked in all; the signatures share it.
        tolerance: float, or `None` for the one the export was made with.

    Returns:
        Dict with `seconds`, `threads`, `signatures`, and of the C API's process `memory_growth`, a share of
        `resident_bytes`, what it had after the turns that are not counted. By signature name `signatures` has a dict
        of `c_api` and `tf_function`, each with `requests`, `requests_per_second`, `p50_ms`, `p99_ms`, and `ratio`:
        the figures of the C API divided by those of the other.

    Raises:
        ValueError: If a request failed or memory grew by more than 2 %.
    """
    c_api_check = _load_c_api_check()
    names = list(c_api_check.read_examples(folder)[0])
    rounds = max(1, round(seconds / len(names) / _TURN_SECONDS))
    turn_seconds = seconds / len(names) / rounds
    taken = {(name, side): [] for name in names for side in _SIDES}
    with contextlib.ExitStack() as stack:
        children = {}
        options = [str(folder)] if tolerance is None else [str(folder), "--tolerance", str(tolerance)]
        for side in _SIDES:
            # A pipe that nobody reads would fill up.
            said = stack.enter_context(tempfile.TemporaryFile())
            children[side] = _Child(side, options, said)
            stack.callback(children[side].stop)
        for name, side in taken:
            children[side].ask(signature=name, seconds=turn_seconds)
        resident_bytes = children["c_api"].resident_bytes
        for _ in range(rounds):
            for (name, side), turns in taken.items():
                turns.append(children[side].ask(signature=name, seconds=turn_seconds))
        growth = children["c_api"].resident_bytes / resident_bytes - 1
    if growth > MOST_MEMORY_GROWTH:
        raise ValueError(
            f"Memory must not grow by more than {MOST_MEMORY_GROWTH:.0%} under load. "
            f"Received: {growth:.1%} more than {resident_bytes / 2**20:.0f} MB"
        )
    return {
        "seconds": seconds,
        "threads": THREADS,
        "signatures": {name: _beside(*(_figures(taken[name, side]) for side in _SIDES)) for name in names},
        "resident_bytes": resident_bytes,
        "memory_growth": round(growth, 4),
    }


class _Child:
    """One side in a process of its own; what it says on standard error goes to the file `said`."""

    def __init__(self, side, options, said):
        self.side, self.resident_bytes, self._said = side, None, said
        threads = str(os.cpu_count())
        self._process = subprocess.Popen(
            # -P keeps this package's folder off the path.
            [sys.executable, "-P", __file__, side, *options],
            env={"TF_CPP_MIN_LOG_LEVEL": "2", "TF_NUM_INTEROP_THREADS": threads, "TF_NUM_INTRAOP_THREADS": threads}
            | os.environ
            | {"CUDA_VISIBLE_DEVICES": "-1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
        )

    def ask(self, **turn):
        """Has one turn taken, and gives the answer to it."""
        try:
            print(json.dumps(turn), file=self._process.stdin, flush=True)
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            # What it said last is all there is.
            self._process.communicate()
            self._said.seek(0)
            said = self._said.read()[-2000:].decode(errors="replace")
            raise ValueError(f"{self.side} ended under load, exit code {self._process.returncode}: {said}") from error
        if answer["errors"]:
            raise ValueError(
                f"Every request under load must be answered as Keras does. Received from {self.side}: "
                f"{answer['errors']} errors beside {len(answer['seconds'])} answers, the first: {answer['first_error']}"
            )
        self.resident_bytes = answer["resident_bytes"]
        return answer

    def stop(self):
        """Ends the process: it has nothing to finish."""
        self._process.kill()
        self._process.communicate()


def _figures(turns):
    milliseconds = 1e3 * np.concatenate([turn["seconds"] for turn in turns])
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return {
        "requests": len(milliseconds),
        "requests_per_second": round(len(milliseconds) / sum(turn["elapsed"] for turn in turns), 1),
        "p50_ms": round(float(p50), 3),
        "p99_ms": round(float(p99), 3),
    }


def _beside(c_api, tf_function):
    ratio = {key: round(c_api[key] / tf_function[key], 3) for key in ("requests_per_second", "p50_ms", "p99_ms")}
    return {"c_api": c_api, "tf_function": tf_function, "ratio": ratio}


def main():
    """Starts the side named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("side", choices=_SIDES)
    parser.add_argument("directory", type=pathlib.Path, help="one version folder of an export")
    parser.add_argument("--tolerance", type=float, help="largest difference allowed; default: as exported")
    arguments = parser.parse_args()
    c_api_check = _load_c_api_check()
    examples, metadata = c_api_check.read_examples(arguments.directory)
    tolerance = metadata["tolerance"] if arguments.tolerance is None else arguments.tolerance
    is_c_api = arguments.side == "c_api"
    run = c_api_check.Session(arguments.directory).run if is_c_api else _tf_function(arguments.directory)

    def ask(signature, inputs, outputs):
        start = time.perf_counter()
        given = run(signature, inputs)
        seconds = time.perf_counter() - start
        c_api_check.compare(given, outputs, tolerance)
        return seconds

    requests = {name: list(_rows(name, *sides)) for name, sides in examples.items()}
    # The threads stay, for each new one may take memory of its own.
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for line in sys.stdin:
            turn = json.loads(line)
            print(json.dumps(_take_turn(pool, ask, requests[turn["signature"]], turn["seconds"])), flush=True)


def _take_turn(pool, ask, requests, seconds):
    errors = []
    start = time.perf_counter()

    def work(thread):
        taken = array.array("d")
        for request in itertools.islice(itertools.cycle(requests), thread, None):
            if time.perf_counter() > start + seconds:
                break
            try:
                taken.append(ask(*request))
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
        return taken

    taken = [list(part) for part in pool.map(work, range(THREADS))]
    return {
        "elapsed": time.perf_counter() - start,
        "seconds": list(itertools.chain(*taken)),
        "errors": len(errors),
        "first_error": next(iter(errors), None),
        "resident_bytes": _resident_bytes(),
    }


def _rows(name, inputs, outputs):
    """A request for each row: signature, inputs and what Keras gives for them."""
    for row in range(len(next(iter(inputs.values())))):
        yield name, *({key: side[key][row : row + 1] for key in side} for side in (inputs, outputs))


def _tf_function(directory):
    import tensorflow as tf

    for path in _load_c_api_check().op_libraries(directory):
        tf.load_op_library(str(path))
    loaded = tf.saved_model.load(str(directory))

    def bare(name):
        # The loaded object owns the variables: this holds it.
        return tf.function(lambda **inputs: loaded.signatures[name](**inputs))

    functions = {name: bare(name) for name in loaded.signatures}

    def run(name, inputs):
        outputs = functions[name](**{key: tf.constant(rows) for key, rows in inputs.items()})
        return {key: rows.numpy() for key, rows in outputs.items()}

    return run


def _resident_bytes():
    pages = pathlib.Path("/proc/self/statm")
    if pages.is_file():
        return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    # Elsewhere only the peak is told, in bytes on macOS. Windows has no such module.
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _load_c_api_check():
    """The module beside this file, by path: through its package it would bring TensorFlow's Python."""
    path = pathlib.Path(__file__).with_name("c_api_check.py")
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()
