"""Runs the recipes and writes down what they reach: the table of objectives.

python benchmarks/table.py [--only RECIPE ...] [--again] [--write]

Each recipe has a process of its own. One that has its file in `results/`, with the epochs and the batch size that it
has now, is not run again unless told so: a table that was broken off goes on with what is missing. Memory is the peak
until the end of pretraining; `baseline_memory_mb` is what TensorFlow and the data take before it.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import report
from each_alone import alone, parser_of, peak_memory_mb, run_each
from pages import paper, row, with_table, write_table
from rich.console import Console

from keras_ssl import recipes, runs

DATA = "fashion_mnist_sample"
ROOT = Path(__file__).parents[1]
PAGES = ROOT / "README.md", ROOT / "docs/guides/choose_an_objective.md"
MARKERS = "<!-- table of objectives -->", "<!-- end of the table -->"
SCORES = {"knn": "kNN", "linear": "linear", "linear_1pct": "linear 1 %"}
HEADER = ("objective", "paper", "recipe", *SCORES.values(), "RankMe", "seconds", "MB")


def main(words=None):
    """Runs what is missing, then prints the table in Markdown."""
    names = [name for name in recipes.names() if recipes.get(name).data == DATA and recipes.get(name).tested]
    parser = parser_of(__doc__, names, "RECIPE")
    parser.add_argument("--write", action="store_true", help="put the table into README and guide, between its marks")
    arguments = parser.parse_args(words)
    if arguments.alone:
        alone(measure, arguments.alone)
        return
    if arguments.write:
        with_table("", PAGES, MARKERS)  # marks that are not there are told now, not after hours
    failed = run_each(__file__, [name for name in arguments.only if arguments.again or not result(name)])
    table = "\n".join(markdown([found for found in map(result, names) if found]))
    print(table)
    if arguments.write:
        write_table(table, PAGES, MARKERS)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def measure(name):
    """One run of a recipe with its own seed."""
    recipe = recipes.get(name)
    options = runs.RunOptions.new(recipe)
    runs.load_splits(options)
    baseline = peak_memory_mb()
    with tempfile.TemporaryDirectory() as parent:
        folder = runs.RunFolder.create(Path(parent) / recipe.name)
        progress = runs.TrainingProgress(Console(file=sys.stderr), recipe.batch_size)
        start = time.perf_counter()
        runs.pretrain(recipe, options, folder, progress=[progress])
        seconds, peak = time.perf_counter() - start, peak_memory_mb()
        scores = runs.evaluate(folder)
    figures = {
        "recipe": recipe.name,
        "objective": recipe.objective,
        "paper": recipe.paper,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(peak),
        "baseline_memory_mb": round(baseline),
        "scores": scores,
    }
    report.save(f"recipe_{recipe.name}", figures, seed=recipe.seed)


def result(name):
    """What was measured of a recipe as it is now; None if nothing was."""
    path, recipe = report.RESULTS / f"recipe_{name}.json", recipes.get(name)
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    is_current = (found["epochs"], found.get("batch_size")) == (recipe.epochs, recipe.batch_size)
    return found if is_current else None


def markdown(results):
    """The lines of the table: raw pixels, the random encoder, then the objectives, the best linear probe first."""
    lines = [row(HEADER), "|" + "---|" * len(HEADER)]
    for kind, label in (("raw", "raw pixels"), ("random", "random encoder")) if results else ():
        scores = results[0]["scores"]["baselines"][kind]
        lines.append(row([label, "", "", *(f"{scores[key]:.3f}" for key in SCORES), "", "", ""]))
    for one in sorted(results, key=lambda one: -one["scores"]["linear"]):
        scores = (f"{one['scores'][key]:.3f}" for key in SCORES)
        costs = f"{one['scores']['rankme']:.1f}", f"{one['seconds']:.0f}", f"{one['peak_memory_mb']:,.0f}"
        lines.append(row([f"`{one['objective']}`", paper(one["paper"]), f"`{one['recipe']}`", *scores, *costs]))
    return lines


if __name__ == "__main__":
    main()
