"""Objectives that keep features apart from one another, by variance, covariance or whitening; no negatives."""
