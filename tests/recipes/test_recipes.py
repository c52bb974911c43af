from pathlib import Path

import numpy as np
import pytest

from keras_ssl import data, objectives, recipes


def test_names_are_those_of_the_files():
    files = Path(recipes.__file__).parent.glob("*/*.py")
    written = {f"{path.stem}_{path.parent.name}" for path in files if path.stem not in ("__init__", "common")}
    assert recipes.names() == sorted(written)
    assert all(recipes.get(name).name == name for name in recipes.names())


@pytest.mark.parametrize("name", recipes.names())
def test_builds_the_objective_it_names_compiled(name):
    recipe = recipes.get(name)
    model = recipe.build(data.load(np.zeros((8, 28, 28, 1), "uint8")), 3)
    assert type(model) is getattr(objectives, recipe.objective)
    assert model.compiled
    assert model.seed == 3
    assert f"arXiv {recipe.paper}" in type(model).__doc__


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="nearest: simclr_fashion_mnist.*recipe='simclr_fashion'"):
        recipes.get("simclr_fashion")


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_refuses_what_is_no_positive_number(name):
    settings = {"epochs": 1, "batch_size": 1} | {name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be a positive int. Received: {name}=0"):
        recipes.Recipe(name="x", objective="SimCLR", summary="", paper="", data="", build=lambda *_: None, **settings)
