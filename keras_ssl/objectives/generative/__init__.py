"""Objectives in which the whole input is made again from a few numbers."""
