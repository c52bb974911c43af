import numpy as np
import pytest

from keras_ssl import data, objectives, recipes

NAMES = [name for name in recipes.names() if recipes.get(name).kind == "texts"]
TEXTS = [f"the {size} {one} that {does} a {other}" for size in ("big", "small") for one in ("cat", "dog", "bird")
         for does in ("sees", "hears", "likes") for other in ("fish", "horse", "cow", "bee")]  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.gate
@pytest.mark.parametrize("name", NAMES)
def test_builds_the_objective_it_names_compiled_and_learns(name):
    recipe = recipes.get(name)
    texts = data.TextSource(TEXTS, documents=np.arange(len(TEXTS)) // 6)
    tokenizer = recipe.tokenizer(texts)
    source = recipe.arrange(texts, tokenizer)
    model = recipe.build(recipe.backbone(tokenizer), tokenizer, 3, False)
    assert type(model) is getattr(objectives, recipe.objective)
    assert model.compiled
    assert model.seed == 3
    assert recipe.paper in type(model).__doc__
    batch_size = min(4, len(source))
    history = model.fit(source, batch_size=batch_size, steps_per_epoch=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
