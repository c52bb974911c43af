"""Steps of `fit` and bare ones by turns in one process, of each the fastest round."""

import time

WANTED = 1.05


def fit_against_bare(runs, steps, rounds):
    """Measures, prints, and returns what is to be written down.

    Args:
        runs: dict of `"fit"` and `"bare"`, functions that do `steps` steps and have done so before.
        steps: int.
        rounds: int, how often each has its turn.
    """
    seconds = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append((time.perf_counter() - start) / steps)
    best = {name: 1000 * min(values) for name, values in seconds.items()}
    ratio = best["fit"] / best["bare"]
    for name, value in best.items():
        print(f"{name:>5}: {value:7.1f} ms a step")
    print(f"ratio: {ratio:.3f} (at most {WANTED} is wanted)")
    return {"milliseconds": best, "ratio": ratio}
