"""Images a second, two views of each, against Keras's and keras-cv's layers.

    python benchmarks/image_views.py [--json FILE] [--rounds N]

Batches of 256 uint8 images of 32 x 32 x 3, CIFAR's SimCLR settings (strength 0.5), all inside one `tf.function`. An
image counts once for its two views. The pipelines take turns in one process, and the best round of each counts. The
layers differ from SimCLR in what they can do, always in their favour: Keras has no resized crop (its RandomZoom
stands in), and its jitter has no probability.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from keras_ssl.augment.image import simclr_views
from keras_ssl.random import RowDraws

SEED, ROWS, SIDE = 0, 256, 32
DEFAULT_RESULT = Path(__file__).parent / "results" / "image_views.json"


def own(blur):
    def views(images, step):
        return simclr_views(images, RowDraws(SEED, step, ROWS), strength=0.5, blur=0.5 if blur else 0.0)

    return views


def keras_layers(blur):
    layers = [
        keras.layers.RandomZoom((-0.7, 0.0), (-0.7, 0.0), seed=SEED),
        keras.layers.RandomFlip("horizontal", seed=SEED),
        keras.layers.RandomColorJitter((0, 255), 0.4, 0.4, 0.4, 0.1, seed=SEED),
        keras.layers.RandomGrayscale(0.2, seed=SEED),
    ]
    if blur:
        layers.append(keras.layers.RandomGaussianBlur(factor=0.5, kernel_size=3, sigma=(0.1, 2.0), seed=SEED))
    return _twice(layers)


def keras_cv_layers(blur):
    import keras_cv

    cv = keras_cv.layers
    layers = [
        cv.RandomCropAndResize((SIDE, SIDE), (0.08, 1.0), (3 / 4, 4 / 3), seed=SEED),
        cv.RandomFlip("horizontal", seed=SEED),
        cv.RandomApply(cv.RandomColorJitter((0, 255), 0.4, 0.4, 0.4, 0.1, seed=SEED), 0.8, seed=SEED),
        cv.RandomApply(cv.Grayscale(3), 0.2, seed=SEED),
    ]
    if blur:
        layers.append(cv.RandomApply(cv.RandomGaussianBlur(3, (0.1, 2.0)), 0.5, seed=SEED))
    return _twice(layers)


def _twice(layers):
    def view(images):
        for layer in layers:
            images = layer(images, training=True)
        return images

    def views(images, step):
        images = tf.cast(images, "float32")
        return view(images), view(images)

    return views


def ready(name, make, blur, images):
    """The compiled pipeline, warmed up; or None and the reason, printed, where it cannot run."""
    try:
        function = tf.function(make(blur))
        function(images, tf.constant(0))
        function(images, tf.constant(1))
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
        print(f"{name} cannot run: {reason}")
        return None, reason
    return function, None


def seconds(function, images, budget=1.0):
    """Seconds of one batch: as many batches as fit the budget, one at least."""
    start, batches = time.perf_counter(), 0
    while batches == 0 or time.perf_counter() - start < budget:
        for view in function(images, tf.constant(batches)):
            view.numpy()  # waits until it is there
        batches += 1
    return (time.perf_counter() - start) / batches


def machine():
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {"cpu": model, "cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}


def commit():
    """The commit that is checked out, with "+changes" where the tree differs; None outside of a repository."""
    here = Path(__file__).parent
    result = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    if result.returncode:
        return None
    changes = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, check=True)
    return result.stdout.strip() + ("+changes" if changes.stdout.strip() else "")


def write(path, result):
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".tmp")
    aside.write_text(json.dumps(result, indent=2) + "\n")
    os.replace(aside, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, default=DEFAULT_RESULT, help="where to write the result")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of about a second for each pipeline")
    arguments = parser.parse_args()

    images = tf.constant(np.random.default_rng(SEED).integers(0, 256, (ROWS, SIDE, SIDE, 3), "uint8"))
    makers = {"keras_ssl": own, "keras": keras_layers, "keras_cv": keras_cv_layers}
    functions, rows = {}, []
    for blur in (False, True):
        for name, make in makers.items():
            function, error = ready(f"{name}, {'with' if blur else 'without'} blur", make, blur, images)
            row = {"pipeline": name, "blur": blur, "images_per_second": None, "error": error}
            rows.append(row)
            if function is not None:
                functions[name, blur] = function, row
    best = dict.fromkeys(functions, float("inf"))
    for _ in range(arguments.rounds):
        for key, (function, _) in functions.items():
            best[key] = min(best[key], seconds(function, images))
    for key, (_, row) in functions.items():
        row["images_per_second"] = round(ROWS / best[key])

    print(f"{'pipeline':<12}{'blur':<8}{'images/s':>10}")
    for row in rows:
        speed = "failed" if row["images_per_second"] is None else f"{row['images_per_second']:,}"
        print(f"{row['pipeline']:<12}{'yes' if row['blur'] else 'no':<8}{speed:>10}")
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    settings = {"rows": ROWS, "shape": [SIDE, SIDE, 3], "views": 2, "rounds": arguments.rounds}
    result = {"commit": commit(), "seed": SEED, "machine": machine(), "versions": versions, "settings": settings}
    write(arguments.json, {**result, "results": rows})
    print(f"written to {arguments.json}")


if __name__ == "__main__":
    main()
