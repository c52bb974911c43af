import dataclasses
import json
from pathlib import Path

import pytest

from keras_ssl import recipes

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FOUR = ("knn", "linear", "linear_10pct", "linear_1pct")


@pytest.fixture
def table(tmp_path, monkeypatch, benchmark_program):
    """The program with four recipes and an empty folder of results; what it would run is in `table.ran`."""
    table = benchmark_program("table")
    first = recipes.get("simclr_fashion_mnist")
    made = {
        "first": first,
        "second": dataclasses.replace(first, objective="BYOL", paper="2006.07733"),
        "too_large": dataclasses.replace(first, tested=False),
        "other_data": dataclasses.replace(first, data="cifar10"),
    }
    made = {name: dataclasses.replace(one, name=name, epochs=12, batch_size=128) for name, one in made.items()}
    monkeypatch.setattr(recipes, "names", lambda: sorted(made))
    monkeypatch.setattr(recipes, "get", made.get)
    monkeypatch.setattr(table, "PAGES", (tmp_path / "README.md", tmp_path / "guide.md"))
    table.ran, table.broken = [], set()

    def run_each(program, names):
        assert Path(program) == BENCHMARKS / "table.py"
        table.ran += names
        for name in set(names) - table.broken:
            write_result(table, name)
        return [name for name in names if name in table.broken]

    monkeypatch.setattr(table, "run_each", run_each)
    return table


def write_result(table, name, **changed):
    """What a run leaves, in places of a number each that can be told apart."""
    score = {"first": 0.85, "second": 0.875}[name]
    scores = {key: score + index / 1000 for index, key in enumerate(FOUR)} | {"rankme": 48.96}
    scores["baselines"] = {"raw": dict.fromkeys(FOUR, 0.8), "random": dict.fromkeys(FOUR, 0.7)}
    recipe = recipes.get(name)
    figures = {"recipe": name, "objective": recipe.objective, "paper": recipe.paper, "epochs": 12, "batch_size": 128}
    figures |= {"seconds": 160.6, "peak_memory_mb": 1234, "scores": scores, **changed}
    table.report.save(f"recipe_{name}", figures)


ROWS = """\
| objective | paper | recipe | kNN | linear | linear 1 % | RankMe | seconds | MB |
|---|---|---|---|---|---|---|---|---|
| raw pixels | | | 0.800 | 0.800 | 0.800 | | | |
| random encoder | | | 0.700 | 0.700 | 0.700 | | | |
| `BYOL` | [2006.07733](https://arxiv.org/abs/2006.07733) | `second` | 0.875 | 0.876 | 0.878 | 49.0 | 161 | 1,234 |
| `SimCLR` | [2002.05709](https://arxiv.org/abs/2002.05709) | `first` | 0.850 | 0.851 | 0.853 | 49.0 | 161 | 1,234 |
"""


def test_runs_what_is_missing_and_prints_all_the_best_first(table, capsys):
    write_result(table, "first")
    capsys.readouterr()
    table.main([])
    assert table.ran == ["second"]
    assert capsys.readouterr().out.partition("| objective")[1:] == tuple(ROWS.partition("| objective")[1:])


def test_only_and_again(table):
    table.main(["--only", "second"])
    table.main(["--only", "second"])
    assert table.ran == ["second"]
    table.main(["--only", "second", "--again"])
    assert table.ran == ["second", "second"]


@pytest.mark.parametrize("changed", [{"epochs": 16}, {"batch_size": 256}])
def test_what_other_settings_gave_is_missing(table, capsys, changed):
    write_result(table, "first", **changed)
    table.broken = {"first"}
    with pytest.raises(SystemExit):
        table.main([])
    assert table.ran == ["first", "second"]
    assert "`SimCLR`" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["too_large", "other_data", "unknown"])
def test_leaves_out_what_was_never_run_and_other_data(table, name):
    with pytest.raises(SystemExit):
        table.main(["--only", name])
    table.main([])
    assert table.ran == ["first", "second"]


def test_one_that_fails_ends_no_other_but_the_program_with_an_error(table, capsys):
    table.broken = {"first"}
    with pytest.raises(SystemExit) as ended:
        table.main([])
    assert ended.value.code == "failed: first"
    assert "`BYOL`" in capsys.readouterr().out
    assert table.ran == ["first", "second"]


def test_writes_between_the_marks_and_nothing_else(table, tmp_path):
    start, end = table.MARKERS
    for page in table.PAGES:
        page.write_text(f"# {page.name}\n\n{start}\n| an old | table |\n{end}\n\nMore.\n")
    for _ in range(2):
        table.main(["--write"])
        for page in table.PAGES:
            assert page.read_text() == f"# {page.name}\n\n{start}\n\n{ROWS}\n{end}\n\nMore.\n"
    assert {path.name for path in tmp_path.iterdir()} == {"README.md", "guide.md", "results"}


@pytest.mark.parametrize("text", [None, "", "{start}", "{end} {start}", "{start} {end} {end}", "{start} {start} {end}"])
def test_marks_that_are_not_there_are_told_before_anything_runs(table, text):
    start, end = table.MARKERS
    table.PAGES[0].write_text(f"{start}\nold\n{end}\n")
    if text is not None:
        table.PAGES[1].write_text(text.format(start=start, end=end))
    with pytest.raises(SystemExit, match="guide.md must have the marks"):
        table.main(["--write"])
    assert table.ran == []
    assert "old" in table.PAGES[0].read_text()


def test_every_result_has_what_a_reader_needs(table):
    write_result(table, "first")
    found = json.loads((table.report.RESULTS / "recipe_first.json").read_text())
    assert {"commit", "seed", "machine"} <= set(found)
