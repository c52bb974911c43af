"""Recipes on the glosses of WordNet 3.0, of Debian's package wordnet-base."""
