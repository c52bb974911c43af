"""Objectives in which what comes next, or in which order, is predicted."""
