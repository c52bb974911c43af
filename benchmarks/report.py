"""How a benchmark writes down what it measured: a table for people, a JSON file for the next reader."""

import json
import os
import platform
import subprocess
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def save(name, figures, seed=0):
    """Writes `results/<name>.json` with the commit, the seed and the machine, aside and then renamed."""
    RESULTS.mkdir(exist_ok=True)
    record = {"commit": commit(), "seed": seed, "machine": _machine(), **figures}
    path = RESULTS / f"{name}.json"
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(record, indent=2) + "\n")
    os.replace(aside, path)
    print(f"written to {path}")


def commit():
    """What is checked out, with "-dirty" where files differ from it: str."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=RESULTS.parent, check=False
    )
    return found.stdout.strip() or "unknown"


def _machine():
    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _processor():
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
