"""Every objective over token ids through the gate."""

import pytest

from keras_ssl import objectives, testing

OBJECTIVES = {
    "MaskedLM": lambda backbone, table: objectives.MaskedLM(backbone(), tokens=table, seed=3),
}


@pytest.fixture
def make(tiny_bert, table):
    """A function that makes the objective of a name."""
    return lambda name: lambda: OBJECTIVES[name](tiny_bert, table)


def test_every_text_objective_is_here():
    every = (getattr(objectives, name) for name in objectives.__all__)
    text = {one.__name__ for one in every if issubclass(one, objectives.TokenModel)}
    assert set(OBJECTIVES) == text - {"TokenModel"}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_quick_part(name, make, sentences):
    testing.run_objective_test(make(name), {"token_ids": sentences}, thorough=False)


@pytest.mark.gate
@pytest.mark.parametrize("name", OBJECTIVES)
def test_whole_gate(name, make, sentences, two_replicas):
    testing.run_objective_test(make(name), {"token_ids": sentences}, strategy=two_replicas)
