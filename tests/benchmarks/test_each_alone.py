import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROGRAM = f"""
import os, sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from each_alone import alone, peak_memory_mb

def measure(name):
    if name == "wrong":
        raise ValueError("`rows` must be more.\\nAnd more of it.")
    if name == "killed":
        os.kill(os.getpid(), 9)
    print("what is measured")
    before = peak_memory_mb()
    if name == "large":
        b"x" * (200 << 20)
    with open(name, "w") as file:
        file.write(f"{{before}} {{peak_memory_mb()}}")

alone(measure, sys.argv[2])
"""


@pytest.fixture
def each_alone(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.chdir(tmp_path)
    Path("program.py").write_text(PROGRAM)
    return importlib.import_module("each_alone")


def test_one_that_fails_is_one_line_and_ends_no_other(each_alone, capfd):
    assert each_alone.run_each("program.py", ["wrong", "killed", "good"]) == ["wrong", "killed"]
    assert Path("good").exists()
    told = capfd.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        "program 1/3: wrong",
        "wrong failed: ValueError: `rows` must be more. And more of it.",
        "program 2/3: killed",
        "killed failed: ended by SIGKILL",
        "program 3/3: good",
        "what is measured",
    ]


def test_memory_is_that_of_the_process_not_of_those_around_it(each_alone):
    each_alone.run_each("program.py", ["large", "good"])
    before, after = zip(*(map(float, Path(name).read_text().split()) for name in ("large", "good")), strict=True)
    # This process has loaded TensorFlow, which takes some hundred MB.
    assert max(*before, after[1]) < 100
    assert 190 < after[0] - before[0] < 260
