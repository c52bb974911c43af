"""Objectives that tell positive pairs from negatives."""
