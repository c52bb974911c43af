"""The zoo: each recipe is one file that defines `RECIPE`, in a folder for its data; it is found by itself."""

import difflib
import importlib
import pkgutil

from keras_ssl.recipes.recipe import Recipe
from keras_ssl.recipes.text_recipe import TextRecipe

__all__ = ["Recipe", "TextRecipe", "get", "names"]


def names():
    """Names of all recipes, sorted: a list of str."""
    return sorted(_recipes())


def get(name):
    """The recipe of that name.

    Args:
        name: str, one of `names()`.

    Returns:
        A `Recipe`.

    Raises:
        ValueError: If there is none; the message has the nearest names.
    """
    recipes = _recipes()
    if name not in recipes:
        near = difflib.get_close_matches(str(name), recipes, n=3) or sorted(recipes)
        raise ValueError(f"`recipe` must be a known recipe; nearest: {', '.join(near)}. Received: recipe={name!r}")
    return recipes[name]


def _recipes():
    modules = (importlib.import_module(found.name) for found in pkgutil.walk_packages(__path__, f"{__name__}."))
    recipes = (module.RECIPE for module in modules if hasattr(module, "RECIPE"))
    return {recipe.name: recipe for recipe in recipes}
