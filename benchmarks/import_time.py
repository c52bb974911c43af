"""What `import keras_ssl` costs over `import keras`: fresh processes, interleaved, the fastest of each.

python benchmarks/import_time.py
"""

import os
import subprocess
import sys

from report import save

ROUNDS = 5
CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def main():
    """Times both imports."""
    seconds = {"keras": [], "keras_ssl": []}
    for _ in range(ROUNDS):
        for module, values in seconds.items():
            values.append(import_seconds(module))
    best = {module: min(values) for module, values in seconds.items()}
    extra = best["keras_ssl"] - best["keras"]
    print(f"keras: {best['keras']:.2f} s, keras_ssl: {best['keras_ssl']:.2f} s")
    print(f"extra: {extra:.2f} s (at most .3 is wanted)")
    save("import_time", {"seconds": best, "extra": extra})


def import_seconds(module):
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = subprocess.run(
        [sys.executable, "-c", CODE.format(module)], capture_output=True, text=True, check=True, env=environment
    )
    return float(found.stdout.split()[-1])


if __name__ == "__main__":
    main()
