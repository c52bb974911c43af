from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def transfer(tmp_path, monkeypatch, benchmark_program):
    """The program with an empty folder of results; what it would run is in `transfer.ran`."""
    transfer = benchmark_program("text_transfer")
    transfer.ran = []

    def run_each(program, tasks):
        transfer.ran += tasks
        for task in tasks:
            transfer.measure(task)
        return []

    def reviews(seed):
        accuracy = {"tfidf": 0.5 + seed / 10, "MiniLM, then MaskedLM": 0.75}
        return {"train_rows": 1000, "accuracy": accuracy}

    monkeypatch.setattr(transfer, "run_each", run_each)
    monkeypatch.setattr(transfer, "reviews", reviews)
    return transfer


def test_measures_what_is_missing_and_prints_means_the_best_first(transfer, capsys):
    transfer.main(["--only", "reviews", "--seeds", "0"])
    capsys.readouterr()
    transfer.main(["--only", "reviews", "--seeds", "0", "1"])
    assert transfer.ran == ["reviews:0", "reviews:1"]
    assert capsys.readouterr().out.splitlines()[1:] == [
        "| reviews, 1,000 labelled | accuracy | seeds |",
        "|---|---|---|",
        "| MiniLM, then MaskedLM | 0.750 | 2 |",
        "| tfidf | 0.550 | 2 |",
    ]
    transfer.main(["--only", "reviews", "--seeds", "0", "--again"])
    assert transfer.ran[2:] == ["reviews:0"]
