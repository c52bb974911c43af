import dataclasses
import types
from pathlib import Path

import numpy as np
import pytest

from keras_ssl import data, recipes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KEYS = ("ridge", "recall@1", "recall@10", "mrr", "polarity")


@pytest.fixture
def table(tmp_path, monkeypatch, benchmark_program):
    """The program with two recipes and an empty folder of results; what it would run is in `table.ran`."""
    table = benchmark_program("text_table")
    first = dataclasses.replace(recipes.get("masked_lm_wordnet"), epochs=2, batch_size=64)
    made = {
        "first": dataclasses.replace(first, name="first"),
        "a_second": dataclasses.replace(first, name="a_second", objective="SimCSE", paper="2104.08821", after="first"),
        "pictures": recipes.get("simclr_fashion_mnist"),
        "too_large": dataclasses.replace(first, name="too_large", tested=False),
    }
    monkeypatch.setattr(recipes, "names", lambda: sorted(made))
    monkeypatch.setattr(recipes, "get", made.get)
    monkeypatch.setattr(table, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(table, "PAGES", (tmp_path / "README.md",))
    monkeypatch.setattr(table, "MINILM", "a_package_that_is_not_installed")
    table.ran, table.broken = [], set()

    def run_each(program, tasks):
        assert Path(program) == BENCHMARKS / "text_table.py"
        table.ran += tasks
        for task in set(tasks) - table.broken:
            write_result(table, *task.split(":"))
        return [task for task in tasks if task in table.broken]

    monkeypatch.setattr(table, "run_each", run_each)
    return table


def write_result(table, name, seed, **changed):
    """What a run leaves, in places of a number each that can be told apart."""
    score = {"first": 0.5, "a_second": 0.6}[name] + int(seed) / 10
    scores = {key: score + index / 100 for index, key in enumerate(KEYS)}
    scores["baselines"] = {"random": dict.fromkeys(KEYS, 0.25), "tfidf": dict.fromkeys(KEYS, 0.75)}
    recipe = recipes.get(name)
    held_out = {"accuracy": 0.3, "perplexity": 80.0 + int(seed), "unigram_entropy": 7.0} if name == "first" else {}
    figures = {"recipe": name, "objective": recipe.objective, "paper": recipe.paper, "after": recipe.after}
    figures |= {
        "epochs": 2,
        "batch_size": 64,
        "seconds": 200.4 + int(seed),
        "peak_memory_mb": 1234,
        "held_out": held_out,
    }
    table.report.save(f"recipe_{name}_seed{seed}", {**figures, "scores": scores, **changed})
    folder = table.run_of(name, seed).path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "encoder.keras").touch()


ROWS = """\
| objective | paper | recipe | untrained | classes | recall@1 | recall@10 | MRR | polarity \
| perplexity | seconds | MB | seeds |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
| TF-IDF | | | | 0.750 | 0.750 | 0.750 | 0.750 | 0.750 | | | | |
| BERT, untrained | | | | 0.250 | 0.250 | 0.250 | 0.250 | 0.250 | | | | |
| `SimCSE` after `first` | [2104.08821](https://arxiv.org/abs/2104.08821) | `a_second` \
| 0.250 | 0.650 | 0.660 | 0.670 | 0.680 | 0.690 | | + 200 | 1,234 | 2 |
| `MaskedLM` | [1810.04805](https://arxiv.org/abs/1810.04805) | `first` \
| 0.250 | 0.550 | 0.560 | 0.570 | 0.580 | 0.590 | 80 of 1,097 | 200 | 1,234 | 2 |
"""


def test_runs_the_first_before_what_goes_on_from_it_and_prints_means_over_seeds(table, capsys):
    table.main(["--seeds", "0", "1"])
    assert table.ran == ["first:0", "a_second:0", "first:1", "a_second:1"]
    assert capsys.readouterr().out.partition("| objective")[1:] == tuple(ROWS.partition("| objective")[1:])
    table.main(["--seeds", "0", "1"])
    assert len(table.ran) == 4
    table.main(["--seeds", "0", "1", "2"])
    assert table.ran[4:] == ["first:2", "a_second:2"]


def test_what_another_goes_on_from_is_run_where_its_encoder_is_not_there(table):
    write_result(table, "first", 0)
    (table.run_of("first", 0).path / "encoder.keras").unlink()
    table.main(["--only", "a_second", "--seeds", "0"])
    assert table.ran == ["first:0", "a_second:0"]


def test_what_goes_on_from_a_run_is_run_again_with_it(table):
    for name in ("first", "a_second"):
        write_result(table, name, 0)
    table.main(["--seeds", "0"])
    assert table.ran == []
    write_result(table, "first", 0, epochs=9)
    table.main(["--seeds", "0"])
    assert table.ran == ["first:0", "a_second:0"]
    write_result(table, "first", 0, epochs=9)
    table.main(["--only", "a_second", "--seeds", "0", "--again"])
    assert table.ran[2:] == ["first:0", "a_second:0"]


@pytest.mark.parametrize("changed", [{"epochs": 3}, {"batch_size": 32}, {"after": "another"}])
def test_what_other_settings_gave_is_missing(table, capsys, changed):
    write_result(table, "first", 0, **changed)
    table.broken = {"first:0"}
    with pytest.raises(SystemExit, match="failed: first:0"):
        table.main(["--only", "first", "--seeds", "0"])
    assert table.ran == ["first:0"]
    assert "`MaskedLM`" not in capsys.readouterr().out


def test_the_minilm_has_its_row(table, capsys):
    write_result(table, "first", 0)
    table.report.save(f"text_{table.MINILM}", {"scores": dict.fromkeys(KEYS, 0.9)})
    table.main(["--only", "first", "--seeds", "0"])
    assert "| MiniLM, not trained here | | | | 0.900 | 0.900 |" in capsys.readouterr().out


def test_writes_between_the_marks(table, tmp_path):
    start, end = table.MARKERS
    (tmp_path / "README.md").write_text(f"# Texts\n\n{start}\n| an old | table |\n{end}\n\nMore.\n")
    table.main(["--seeds", "0", "1", "--write"])
    assert (tmp_path / "README.md").read_text() == f"# Texts\n\n{start}\n\n{ROWS}\n{end}\n\nMore.\n"


def test_marks_that_are_not_there_are_told_before_anything_runs(table):
    with pytest.raises(SystemExit, match="README.md must have the marks"):
        table.main(["--write"])
    assert table.ran == []


def test_only_numbers_of_arxiv_are_links(table):
    assert table.paper("1810.04805") == "[1810.04805](https://arxiv.org/abs/1810.04805)"
    assert table.paper("Radford et al. 2019") == "Radford et al. 2019"


class Store:
    """Ids of two texts, the place where the last one ends, and pieces by row."""

    ends = np.array([0, 2, 3])

    def read(self, rows):
        return np.array([5, 5, 7])[rows]


def test_held_out_are_texts_that_were_not_trained_on(table, monkeypatch):
    asked = []
    source = types.SimpleNamespace(store=Store())
    monkeypatch.setattr(table.data, "TokenSource", types.SimpleNamespace)
    monkeypatch.setattr(table.data, "load_text", lambda name, split: asked.append((name, split)))
    recipe = types.SimpleNamespace(data="some", batch_size=2, arrange=lambda texts, tokenizer: source)
    evaluated = {"loss": np.float32(1.5), "perplexity": np.float32(4.0)}
    model = types.SimpleNamespace(evaluate=lambda given, **options: evaluated if given is source else None)
    found = table.held_out(recipe, types.SimpleNamespace(load_tokenizer=lambda: None), model)
    assert asked == [("some", "test")]
    entropy = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    assert found == {"loss": 1.5, "perplexity": 4.0, "unigram_entropy": pytest.approx(entropy)}


def test_polarity_of_everyone_stands_beside_the_other_scores(table, monkeypatch):
    reviews = data.TextSource(["good", "bad"], [1, 0])
    monkeypatch.setattr(table.data, "load_text", lambda name, split: reviews)

    def judged(encoder, tokenizer, labelled, splits, train_size, test_size, seed):
        assert (encoder, tokenizer, labelled[0], seed) == ("encoder", "tokenizer", ["good", "bad"], 3)
        assert (splits, train_size, test_size) == (5, 8_000, 2_000)
        return {"ridge": 0.9, "baselines": {"random": {"ridge": 0.5}, "tfidf": {"ridge": 0.7}}}

    monkeypatch.setattr(table.evaluation, "text_classification", judged)
    scores = {"ridge": 0.1, "baselines": {"random": {"ridge": 0.2}, "tfidf": {"ridge": 0.3}}}
    table.add_polarity(scores, "encoder", "tokenizer", 3)
    baselines = {"random": {"ridge": 0.2, "polarity": 0.5}, "tfidf": {"ridge": 0.3, "polarity": 0.7}}
    assert scores == {"ridge": 0.1, "polarity": 0.9, "baselines": baselines}


def test_seconds_and_memory_are_the_least_of_the_seeds(table):
    write_result(table, "first", 0, seconds=300.0, peak_memory_mb=900)
    write_result(table, "first", 1, seconds=250.0, peak_memory_mb=1100)
    assert table.markdown({"first": table.results("first")})[-1].endswith("| 250 | 900 | 2 |")
