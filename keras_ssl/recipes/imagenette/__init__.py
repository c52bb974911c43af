"""Recipes for Imagenette with published settings, those of lightly where it has the objective. Not run here."""
