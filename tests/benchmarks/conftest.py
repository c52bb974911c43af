import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_program(tmp_path, monkeypatch):
    """A function that imports a program anew, with an empty folder of results."""

    def imported(name):
        monkeypatch.syspath_prepend(str(BENCHMARKS))
        monkeypatch.delitem(sys.modules, name, raising=False)
        program = importlib.import_module(name)
        results = tmp_path / "results"
        results.mkdir()
        monkeypatch.setattr(program.report, "RESULTS", results)
        return program

    return imported
