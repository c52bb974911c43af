"""Runs the recipes and writes down what they reach: the table of objectives in the README.

python benchmarks/table.py [--only RECIPE ...] [--again]

A recipe that has its file in `results/` is not run again unless told so.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from report import RESULTS, save
from rich.console import Console

from keras_ssl import recipes, runs

COLUMNS = ("knn", "linear", "linear_10pct", "linear_1pct")


def main():
    """Runs what is missing, then prints the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=recipes.names(), default=recipes.names())
    parser.add_argument("--again", action="store_true", help="run what has its result already, too")
    arguments = parser.parse_args()
    for name in arguments.only:
        if arguments.again or not result_path(name).exists():
            measure(recipes.get(name))
    print_table()


def measure(recipe):
    """One run of a recipe with its own seed."""
    console = Console(file=sys.stderr)
    with tempfile.TemporaryDirectory() as parent:
        folder = runs.RunFolder.create(Path(parent) / recipe.name)
        start = time.perf_counter()
        progress = runs.TrainingProgress(console, recipe.batch_size)
        runs.pretrain(recipe, runs.RunOptions.new(recipe), folder, progress=[progress])
        seconds = time.perf_counter() - start
        scores = runs.evaluate(folder)
    figures = {"recipe": recipe.name, "objective": recipe.objective, "paper": recipe.paper, "epochs": recipe.epochs}
    save(f"recipe_{recipe.name}", {**figures, "seconds": round(seconds, 1), "scores": scores}, seed=recipe.seed)


def print_table():
    """All results there are, with the baselines of the first."""
    found = [json.loads(result_path(name).read_text()) for name in recipes.names() if result_path(name).exists()]
    for kind, label in (("raw", "raw pixels"), ("random", "random encoder")):
        scores = " | ".join(f"{found[0]['scores']['baselines'][kind][key]:.3f}" for key in COLUMNS)
        print(f"| {label} | | | {scores} | |")
    for one in found:
        scores = " | ".join(f"{one['scores'][key]:.3f}" for key in COLUMNS)
        paper = f"[{one['paper']}](https://arxiv.org/abs/{one['paper']})"
        print(f"| `{one['objective']}` | {paper} | `{one['recipe']}` | {scores} | {one['seconds']:.0f} |")


def result_path(name):
    return RESULTS / f"recipe_{name}.json"


if __name__ == "__main__":
    main()
