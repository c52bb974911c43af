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
    """The commit that is measured, `-dirty` if anything but the results differs from it: str."""
    git = ["git", "-C", str(RESULTS.parents[1])]
    found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    others = [".", ":!benchmarks/results", ":!README.md", ":!docs"]  # where measurements are written to
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", *others], check=False)
    return (found.stdout.strip() or "unknown") + ("-dirty" if changed.returncode else "")


def _machine():
    return {"processor": _processor(), "cores": os.cpu_count(), "python": platform.python_version()}


def _processor():
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
