"""Recipes for the embedded Fashion-MNIST sample: one budget and one encoder, so that objectives can be compared."""
