"""Recipes for CIFAR-10 with published settings, those of solo-learn where it has the objective. Not run here."""
