"""Objectives that group the data and learn to tell the group."""
