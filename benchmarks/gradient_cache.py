"""Peak memory of training on a large batch of texts, at once and by a gradient cache.

python benchmarks/gradient_cache.py

Both sides train SimCSE with the same BERT, dropout and batch, in a process each; what TensorFlow and Keras take without
any training is part of both, and told apart. The cache computes each micro-batch twice, so a step takes longer.
"""

import argparse
import json
import sys
import time

from each_alone import alone, peak_memory_mb, run_each
from report import RESULTS, save

NAME, SIZES, WANTED = "gradient_cache", {"plain": None, "cached": 16}, 0.25
BATCH, LENGTH, STEPS, VOCABULARY = 384, 64, 2, 8000


def main(words=None):
    """Measures both sides, then prints and writes their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--alone", choices=SIZES, help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    if arguments.alone:
        alone(measure, arguments.alone)
        return
    failed = run_each(__file__, list(SIZES))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")
    sides = results()
    ratio = sides["cached"]["peak_memory_mb"] / sides["plain"]["peak_memory_mb"]
    for side, figures in sides.items():
        print(
            f"{side:>6}: {figures['peak_memory_mb']:7.0f} MB, of which {figures['before_training_mb']:.0f} before "
            f"training; {figures['seconds_a_step']:5.1f} s a step"
        )
    print(f"ratio of memory: {ratio:.3f} (at most {WANTED} is wanted)")
    save(NAME, {"batch": BATCH, "length": LENGTH, "micro_batch": SIZES["cached"], "sides": sides, "ratio": ratio})


def measure(side):
    """Trains for some steps; the first, which traces, is not timed."""
    import keras
    import keras_hub
    import numpy as np

    from keras_ssl import augment, objectives

    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=VOCABULARY,
        num_layers=4,
        num_heads=4,
        hidden_dim=256,
        intermediate_dim=1024,
        max_sequence_length=LENGTH,
    )
    model = objectives.SimCSE(backbone, tokens=augment.text.TokenTable(VOCABULARY, (0,)))
    model.compile(gradient_cache_size=SIZES[side])
    texts = np.random.default_rng(0).integers(1, VOCABULARY, (BATCH * STEPS, LENGTH)).astype("int32")
    before = peak_memory_mb()
    model.fit(texts[:BATCH], batch_size=BATCH, verbose=0)
    start = time.perf_counter()
    model.fit(texts, batch_size=BATCH, verbose=0)
    seconds = (time.perf_counter() - start) / STEPS
    figures = {"peak_memory_mb": peak_memory_mb(), "before_training_mb": before, "seconds_a_step": seconds}
    save(NAME, {"sides": {**results(), side: figures}})


def results():
    """What is measured so far: dict from side to its figures."""
    path = RESULTS / f"{NAME}.json"
    return json.loads(path.read_text())["sides"] if path.exists() else {}


if __name__ == "__main__":
    main()
