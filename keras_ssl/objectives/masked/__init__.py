"""Objectives in which a part is hidden, and predicted from what is left."""
