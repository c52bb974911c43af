"""Measurements with a process each: the peak memory of one is its own, and a crash of one ends no other."""

import argparse
import resource
import signal
import subprocess
import sys
import textwrap
from pathlib import Path


def parser_of(about, names, metavar, seeds=()):
    """A parser of the arguments that such programs share: `--only`, `--again`, and `--seeds` where there are several.

    Args:
        about: str, whose first line says what the program does.
        names: list of str, what can be measured.
        metavar: str, what one of them is.
        seeds: ints, those that are measured unless told otherwise.

    Returns:
        `argparse.ArgumentParser`, which takes `--alone NAME` too, for `run_each`.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar=metavar)
    if seeds:
        parser.add_argument("--seeds", nargs="+", type=int, default=list(seeds), metavar="SEED")
    parser.add_argument("--again", action="store_true", help="measure what has its result already, too")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    return parser


def run_each(program, names):
    """Runs `program --alone NAME` for each name, one after the other.

    Args:
        program: path of a Python program that hands `NAME` to `alone`.
        names: list of str.

    Returns:
        The names of those that failed. Why is on standard error, in a line each.
    """
    failed = []
    for number, name in enumerate(names, 1):
        _tell(f"{Path(program).stem} {number}/{len(names)}: {name}")
        # Standard output is for the table alone.
        code = subprocess.run(
            [sys.executable, str(program), "--alone", name], stdout=sys.stderr, check=False
        ).returncode
        if code < 0:
            _tell(f"{name} failed: ended by {signal.Signals(-code).name}")
        if code:
            failed.append(name)
    return failed


def alone(measure, name):
    """Measures, in a process of its own; an error is one line there and the exit code 1."""
    try:
        measure(name)
    except Exception as error:
        sys.exit(f"{name} failed: {type(error).__name__}: {textwrap.shorten(str(error), 400)}")


def peak_memory_mb():
    """The most memory that this process has had so far, in MB: float."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not `ru_maxrss`: Linux starts a new program's at the peak of the process that started it.
        (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(peak) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** (20 if sys.platform == "darwin" else 10)


def _tell(text):
    print(text, file=sys.stderr, flush=True)
