import types
from pathlib import Path

import pytest

from keras_ssl import data

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

    transfer.reviews_of_its_own = transfer.reviews
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
        "| TF-IDF | 0.550 | 2 |",
    ]
    transfer.main(["--only", "reviews", "--seeds", "0", "--again"])
    assert transfer.ran[2:] == ["reviews:0"]


def test_reviews_are_tested_on_others_than_they_are_learned_from(transfer, monkeypatch):
    parts = {"train": data.TextSource(["good", "bad"], [1, 0]), "test": data.TextSource(["fine"], [1])}
    monkeypatch.setattr(transfer.data, "load_text", lambda name, split: parts[split])
    monkeypatch.setattr(transfer, "trained_on", lambda name, seed: (f"after {name} {seed}", "tokenizer"))
    monkeypatch.setattr(transfer, "minilm", lambda: ("as it came", "tokenizer"))

    def judged(encoder, tokenizer, train, test, *, beside, splits, train_size, seed, **options):
        assert (encoder, beside) == ("after masked_lm_wordnet 2", {"MiniLM": ("as it came", "tokenizer")})
        assert (train[0], train[1].tolist(), test[0], test[1].tolist()) == (["good", "bad"], [1, 0], ["fine"], [1])
        assert (splits, train_size, seed) == (1, 1_000, 2)
        return {"accuracy": 0.8, "baselines": {"tfidf": {"accuracy": 0.7}}}

    monkeypatch.setattr(transfer.evaluation, "fine_tune_sentences", judged)
    assert transfer.reviews_of_its_own(2)["accuracy"] == {"tfidf": 0.7, "MiniLM, then MaskedLM": 0.8}


def test_tags_are_learned_by_both_encoders_beside_what_knows_no_sentence(transfer, monkeypatch):
    asked = []

    def fine_tune_tokens(encoder, tokenizer, train, *, settings, train_size, test_size, **options):
        assert len(train[0]) == len(train[1]) == train_size + test_size == 2_000
        asked.append((encoder, tokenizer, settings.learning_rate))
        scores = {key: 0.5 + len(asked) / 10 for key in ("accuracy", "macro_f1", "weighted_f1")}
        baselines = {name: dict.fromkeys(scores, score) for name, score in {"random": 0.3, "words": 0.4}.items()}
        return {**scores, "report": {"of": encoder}, "baselines": baselines}

    class Sentences:
        def __len__(self):
            return 5_000

        def words(self, rows):
            return rows.tolist()

        tags = words

    monkeypatch.setattr(transfer.data, "load_tagged", lambda name, split: Sentences())
    monkeypatch.setattr(transfer.evaluation, "fine_tune_tokens", fine_tune_tokens)
    monkeypatch.setattr(transfer, "minilm", lambda: ("minilm", "its tokenizer"))
    folder = types.SimpleNamespace(load_encoder=lambda: "ours", load_tokenizer=lambda: "our tokenizer")
    monkeypatch.setattr(transfer, "run_of", lambda name, seed: folder)
    found = transfer.tags(0)
    assert asked == [("ours", "our tokenizer", 5e-4), ("minilm", "its tokenizer", 1e-4)]
    scores = {"MaskedLM": 0.6, "MiniLM": 0.7, "words": 0.4} | dict.fromkeys(
        ("MaskedLM, from scratch", "MiniLM, from scratch"), 0.3
    )
    assert found["accuracy"] == found["macro_f1"] == scores
    assert found["report"] == {"of": "ours"}
