"""Objectives in which a student predicts what a teacher sees; no negatives."""
