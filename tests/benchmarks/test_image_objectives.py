from pathlib import Path

import keras
import pytest
import tensorflow as tf

from keras_ssl import objectives
from keras_ssl.random import RowDraws

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ROWS = 4


@pytest.fixture
def program(benchmark_program):
    return benchmark_program("image_objectives")


def views_of_two(x, rng):
    return tuple(tf.cast(x, "float32") + rng.normal(f"view_{view}", shape=(4, 4, 1)) for view in range(2))


def made(kind, **options):
    encoder = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(6)])
    return kind(encoder, projection_widths=(8, 5), augment=views_of_two, **options)


def counted(program, model):
    views = model.views({"x": tf.ones((ROWS, 4, 4, 1))}, RowDraws(0, 0, ROWS), training=True)
    passes = program.passes_of_forward(model, views, ROWS)
    return passes, program.check_passes(model, passes, len(program.pictures(views)))


def test_views_that_go_together_are_one_pass(program):
    model = made(objectives.SimCLR)
    passes, told = counted(program, model)
    assert [(network.name, inputs) for network, inputs in passes] == [
        (model.encoder.name, [0, 1]),
        (model.projector.name, [2, 3]),
    ]
    assert told == {"student": "2", "projector": "2"}


class TeacherFirst(objectives.BYOL):
    def forward(self, views, training):
        projections = [self.projector(self.encode(view, training), training=training) for view in views]
        targets = [self.teach(view, training) for view in views]
        return {"targets": targets, "predictions": [self.predictor(z, training=training) for z in projections]}


@pytest.mark.parametrize("kind", [objectives.BYOL, TeacherFirst])
def test_each_network_is_fed_by_its_own_kind(program, kind):
    model = made(kind, prediction_widths=(7, 5))
    passes, told = counted(program, model)
    sources = {id(model.projector): model.encoder, id(model.predictor): model.projector}
    sources[id(model.teacher_projector)] = model.teacher_encoder
    for network, inputs in passes:
        if id(network) in sources:
            # Two views came first, then one output of each pass.
            assert [passes[number - 2][0] for number in inputs] == [sources[id(network)]]
    assert told == dict.fromkeys(("student", "projector", "predictor", "teacher", "teacher's projector"), "1+1")


def test_what_is_put_in_place_to_listen_is_taken_away(program):
    model = made(objectives.SimCLR)
    counted(program, model)
    assert "call" not in vars(model.encoder)
    assert "call" not in vars(model.projector)


class Wasteful(objectives.SimCLR):
    def forward(self, views, training):
        self.project(views[:1], training)
        return super().forward(views, training)


def test_a_pass_that_the_method_does_not_need_is_refused(program):
    with pytest.raises(ValueError, match="must send 2 of 2 views through the student. Received: 3"):
        counted(program, made(Wasteful))


def test_results_are_merged_by_objective(program, capsys, monkeypatch):
    def run_each(path, names):
        for name in names:
            figures = {"objective": name.upper(), "fit_ms": 110.0, "bare_ms": 100.0, "ratio": 1.1}
            figures |= {"peak_memory_mb": 900, "passes": {"student": "1+1"}}
            program.record(name, figures)
        ran.append(names)
        return []

    ran, names = [], ["byol_fashion_mnist", "simclr_fashion_mnist"]
    monkeypatch.setattr(program, "run_each", run_each)
    monkeypatch.setattr(program.recipes, "names", lambda: names)
    program.main(["--only", names[1]])
    program.main([])
    program.main(["--only", names[0], "--again"])
    assert ran == [[names[1]], [names[0]], [names[0]]]
    assert set(program.results()) == set(names)
    lines = capsys.readouterr().out.splitlines()
    assert "BYOL_FASHION_MNIST   110.0    100.0  1.100    900  student 1+1" in lines
    assert lines[-1] == "a ratio of at most 1.10 is wanted"
